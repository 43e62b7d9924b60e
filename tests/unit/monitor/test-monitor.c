/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP and the human monitor on a machine with two processors of a made-up
 * architecture, through a ringbuf: conformance, hostile input, line editing,
 * expressions, and the layout of dumps.
 */
#include <string.h>
#include "chardev/chardev.h"
#include "core/machine.h"
#include "monitor/framer.h"
#include "monitor/monitor.h"
#include "monitor/session.h"

/* ---- a target ---- */

typedef struct FakeState {
    uint64_t ax, sp, pc;
} FakeState;

static bool fake_init(Cpu *cpu, const char *model, Error **errp)
{
    return true;
}

static void fake_reset(Cpu *cpu)
{
    FakeState *s = cpu->state;

    *s = (FakeState){.ax = 0x1122334455667788 + cpu->index, .sp = 0x2000, .pc = 0x1000};
}

static void fake_dump(Cpu *cpu, GString *out)
{
    FakeState *s = cpu->state;

    g_string_append_printf(
        out, "RAX=%016llx RSP=%016llx\nR8 =0000000000000008 RIP=%016llx RFL=00000246\n",
        (unsigned long long)s->ax, (unsigned long long)s->sp, (unsigned long long)s->pc);
}

static uint64_t fake_get_pc(Cpu *cpu)
{
    return ((FakeState *)cpu->state)->pc;
}

/* Virtual addresses are 1 MiB above the physical ones. */
static bool fake_translate(Cpu *cpu, uint64_t vaddr, hwaddr *paddr)
{
    *paddr = vaddr - (1 << 20);
    return vaddr >= 1 << 20 && *paddr < 0x10000;
}

static void fake_disas(Cpu *cpu, uint64_t pc, const uint8_t *bytes, size_t len, GString *out)
{
    for (size_t i = 0; i < len; i++) {
        g_string_append_printf(out, "0x%08llx:  op %02x\n", (unsigned long long)(pc + i), bytes[i]);
    }
}

static bool fake_has_work(Cpu *cpu)
{
    return false;
}

static const TargetOps fake_target = {
    .name = "fake",
    .state_size = sizeof(FakeState),
    .default_model = "fake",
    .init = fake_init,
    .reset = fake_reset,
    .dump = fake_dump,
    .get_pc = fake_get_pc,
    .translate = fake_translate,
    .has_work = fake_has_work,
    .disas = fake_disas,
};
TARGET(fake_target);

/* ---- a machine with a monitor ---- */

typedef struct Fix {
    GMainContext *loop;
    CharSet *set;
    Chardev *dev;
    Machine *m;
} Fix;

static void settle(Fix *f)
{
    while (g_main_context_iteration(f->loop, FALSE)) {
    }
}

static void fix_init(Fix *f, bool qmp)
{
    MachineConfig cfg = {.board = "none", .accel = "null", .ram_size = 0x10000, .name = "unit"};
    Error *err = NULL;

    f->loop = g_main_context_new();
    f->set = charset_new(f->loop);
    f->dev = chardev_new_from_opts(f->set, "ringbuf,id=mon0,size=1M", NULL);
    f->m = machine_new(&cfg, f->loop);
    bool ok = machine_build(f->m, "fake", &err) && cpu_create(f->m, 0, 0, NULL, &err) &&
              cpu_create(f->m, 1, 1, NULL, &err);
    if (!ok) {
        g_error("%s", error_message(err));
    }
    for (int i = 0; i < 0x1000; i++) {
        uint8_t b = i;
        address_space_poke(machine_memory(f->m), 0x1000 + i, &b, 1);
    }
    address_space_poke(machine_memory(f->m), 0x3000, "hello\0it's \"me\"\n", 17);
    CharPort *port = chardev_claim(f->dev, "mon0", NULL);
    g_assert_true(qmp ? monitor_new_qmp(f->m, port, false, NULL)
                      : monitor_new_hmp(f->m, port, NULL));
    machine_start(f->m);
    settle(f);
}

static void fix_fini(Fix *f)
{
    machine_free(f->m);
    charset_free(f->set);
    g_main_context_unref(f->loop);
}

static char *take(Fix *f)
{
    static char buf[1 << 20];

    settle(f);
    size_t n = chardev_ring_read(f->dev, (uint8_t *)buf, sizeof(buf), NULL);
    return g_strndup(buf, n);
}

static void say_bytes(Fix *f, const void *p, size_t n)
{
    g_assert_true(chardev_ring_write(f->dev, p, n, NULL));
}

/* ---- QMP ---- */

/* What comes back for a text, as an array of JSON lines; each must be one that is valid. */
static json_t *talk(Fix *f, const char *text)
{
    json_t *all = json_array();

    say_bytes(f, text, strlen(text));
    g_autofree char *out = take(f);
    g_auto(GStrv) lines = g_strsplit(out, "\r\n", -1);
    for (char **l = lines; *l; l++) {
        if (**l) {
            json_t *v = json_parse(*l, strlen(*l), NULL);
            if (!v) {
                g_error("not JSON: %s", *l);
            }
            json_array_append_new(all, v);
        }
    }
    return all;
}

static const char *class_of(json_t *reply)
{
    return json_string_value(json_object_get(json_object_get(reply, "error"), "class"));
}

/* One reply, of that error class ("" = success). */
static json_t *ask(Fix *f, const char *text, const char *class)
{
    g_autoptr(json_t) all = talk(f, text);

    if (json_array_size(all) != 1) {
        g_error("%zu replies to: %s", json_array_size(all), text);
    }
    json_t *r = json_array_get(all, 0);
    if (*class) {
        g_assert_cmpstr(class_of(r), ==, class);
        g_assert_nonnull(json_object_get(json_object_get(r, "error"), "desc"));
    } else if (!json_object_get(r, "return")) {
        g_error("failed: %s", text);
    }
    return json_incref(r);
}

static void expect_class(Fix *f, const char *text, const char *class)
{
    g_autoptr(json_t) r = ask(f, text, class);
}

static void qmp_ready(Fix *f)
{
    g_free(take(f));
    expect_class(f, "{\"execute\": \"qmp_capabilities\"}", "");
}

static void test_negotiation(void)
{
    Fix f;

    fix_init(&f, true);
    g_autoptr(json_t) hello = talk(&f, "");
    g_assert_cmpuint(json_array_size(hello), ==, 1);
    json_t *q = json_object_get(json_array_get(hello, 0), "QMP");
    g_assert_true(json_is_integer(
        json_object_get(json_object_get(json_object_get(q, "version"), "qemu"), "major")));
    g_assert_true(json_is_array(json_object_get(q, "capabilities")));

    expect_class(&f, "{\"execute\":\"query-status\"}", "CommandNotFound");
    expect_class(&f, "{\"execute\":\"nonsense\"}", "CommandNotFound");
    expect_class(&f, "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}",
                 "GenericError");
    expect_class(&f, "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"what\"]}}",
                 "GenericError");
    expect_class(&f, "{\"execute\":\"query-status\"}", "CommandNotFound");
    expect_class(&f, "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[]}}", "");
    expect_class(&f, "{\"execute\":\"qmp_capabilities\"}", "CommandNotFound");
    expect_class(&f, "{\"execute\":\"query-status\"}", "");
    fix_fini(&f);
}

static void test_requests(void)
{
    static const struct {
        const char *text, *class;
    } cases[] = {
        {"[]", "GenericError"},
        {"\"text\"", "GenericError"},
        {"42 ", "GenericError"},
        {"true\n", "GenericError"},
        {"{}", "GenericError"},
        {"{\"execute\":1}", "GenericError"},
        {"{\"execute\":null}", "GenericError"},
        {"{\"exec-oob\":\"query-status\"}", "GenericError"},
        {"{\"execute\":\"query-status\",\"more\":1}", "GenericError"},
        {"{\"execute\":\"query-status\",\"arguments\":[]}", "GenericError"},
        {"{\"execute\":\"query-status\",\"arguments\":{\"x\":1}}", "GenericError"},
        {"{\"execute\":\"query-status\",\"execute\":\"stop\"}", "GenericError"},
        {"{\"execute\":\"human-monitor-command\"}", "GenericError"},
        {"{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":7}}",
         "GenericError"},
        {"{\"execute\":\"no such command\"}", "CommandNotFound"},
        {"{\"execute\":\"\"}", "CommandNotFound"},
        {"{\"execute\":\"query-status\\u0000\"}", "GenericError"},
        {"{\"execute\":\"query-\\ud800status\"}", "GenericError"},
        {"{\"a\":\"\xc3\x28\"}", "GenericError"},
        {"{ 'execute' : 'query-status' }", ""},
        {"\t\r\n{\"execute\"\n:\r\"query-status\"\t}", ""},
        {"{\"execute\":\"query-status\",\"arguments\":{}}", ""},
        {"{'execute':'human-monitor-command','arguments':{'command-line':'print \\'a\\'+\"'}}", ""},
    };
    Fix f;

    fix_init(&f, true);
    qmp_ready(&f);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        expect_class(&f, cases[i].text, cases[i].class);
        /* Whatever that was, the next request works. */
        expect_class(&f, "\n{\"execute\":\"query-name\"}", "");
    }
    fix_fini(&f);
}

static void test_ids(void)
{
    static const char *const ids[] = {"1", "\"x\"", "null", "{\"a\":[1,2]}", "[]", "1.5", "false"};
    Fix f;

    fix_init(&f, true);
    qmp_ready(&f);
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        g_autofree char *good = g_strdup_printf("{\"execute\":\"query-status\",\"id\":%s}", ids[i]);
        g_autofree char *bad = g_strdup_printf("{\"id\":%s,\"execute\":\"query-nothing\"}", ids[i]);
        g_autofree char *worse = g_strdup_printf("{\"id\":%s,\"exekute\":1}", ids[i]);
        const char *texts[] = {good, bad, worse};
        g_autoptr(json_t) want = json_parse(ids[i], strlen(ids[i]), NULL);
        for (int k = 0; k < 3; k++) {
            g_autoptr(json_t) all = talk(&f, texts[k]);
            g_assert_cmpuint(json_array_size(all), ==, 1);
            g_assert_true(json_equal(json_object_get(json_array_get(all, 0), "id"), want));
        }
    }
    g_autoptr(json_t) none = ask(&f, "{\"execute\":\"query-status\"}", "");
    g_assert_null(json_object_get(none, "id"));
    /* Several at once, and one in pieces: in order, one answer each. */
    g_autoptr(json_t) many =
        talk(&f, "{\"execute\":\"query-status\",\"id\":1}{\"execute\":\"x\",\"id\":2}"
                 "{\"execute\":\"query-name\",\"id\":3}");
    g_assert_cmpuint(json_array_size(many), ==, 3);
    for (int i = 0; i < 3; i++) {
        g_assert_cmpint(json_integer_value(json_object_get(json_array_get(many, i), "id")), ==,
                        i + 1);
    }
    const char *slow = "{\"execute\":\"query-status\"";
    for (const char *p = slow; *p; p++) {
        say_bytes(&f, p, 1);
    }
    g_autofree char *nothing = take(&f);
    g_assert_cmpstr(nothing, ==, "");
    expect_class(&f, "}", "");
    fix_fini(&f);
}

/* Junk gives errors, never silence for good: after the end of its line requests work again. */
static void test_junk(void)
{
    static const char *const junk[] = {
        "}",
        "]",
        "}}}}",
        "{]",
        "[}",
        "{\"a\" \"b\"}",
        "{\"open string\n",
        "foo",
        "{\"a\":}\n",
        "\xff",
        "{\"execute\":\xff",
        "{\"execute\":\"quit\xfe",
        "{\"execute\": \x01 }",
        "\"unterminated\n",
        "{'a\tb':1}\n",
        "nul",
        "{\"a\":1e999}",
        "{\"a\":tru}",
        "{\"a\":99999999999999999999999}",
        "GET / HTTP/1.0\r\n\r\n",
        "{\"execute\" \"quit\"}",
        "{\"a\":\"\\x\"}",
        ",",
        ":",
        "-",
        "\\",
        "{,}",
    };
    Fix f;

    fix_init(&f, true);
    qmp_ready(&f);
    for (size_t i = 0; i < G_N_ELEMENTS(junk); i++) {
        g_autofree char *text = g_strdup_printf("%s\n", junk[i]);
        g_autoptr(json_t) all = talk(&f, text);
        g_assert_cmpuint(json_array_size(all), >, 0);
        for (size_t k = 0; k < json_array_size(all); k++) {
            g_assert_cmpstr(class_of(json_array_get(all, k)), ==, "GenericError");
        }
        expect_class(&f, "{\"execute\":\"query-name\"}", "");
    }
    g_assert_cmpint(machine_run_state(f.m), ==, RUN_STATE_RUNNING);
    fix_fini(&f);
}

static void test_limits(void)
{
    Fix f;

    fix_init(&f, true);
    qmp_ready(&f);
    /* Depth. */
    g_autofree char *deep = g_strnfill(5000, '[');
    expect_class(&f, deep, "GenericError");
    expect_class(&f, "\n{\"execute\":\"query-name\"}", "");
    /* Length: what does not end is cut off, and the memory given back. */
    g_autofree char *chunk = g_strnfill(1 << 20, 'a');
    say_bytes(&f, "{\"execute\":\"", 12);
    for (int i = 0; i < 18; i++) {
        say_bytes(&f, chunk, 1 << 20);
    }
    g_autoptr(json_t) all = talk(&f, "\n");
    g_assert_cmpuint(json_array_size(all), ==, 1);
    expect_class(&f, "{\"execute\":\"query-name\"}", "");
    /* A long string that does end is fine. */
    say_bytes(&f, "{\"execute\":\"", 12);
    say_bytes(&f, chunk, 1 << 20);
    g_autoptr(json_t) name = talk(&f, "\"}");
    g_assert_cmpuint(json_array_size(name), ==, 1);
    g_assert_cmpstr(class_of(json_array_get(name, 0)), ==, "CommandNotFound");
    fix_fini(&f);
}

/* Random bytes, and random cuts and splices of requests; whatever comes out is valid JSON. */
static void test_random(void)
{
    static const char *const pieces[] = {
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        "\\",
        ":",
        ",",
        "\n",
        "\"execute\"",
        "\"query-status\"",
        "\"id\"",
        "\"arguments\"",
        "{\"execute\":\"query-name\"}",
        "{}",
        "null",
        "12",
        "\xff",
        "\xc3\xa9",
        "\\u00e9",
        "\"command-line\"",
        "\"human-monitor-command\"",
        "\"info status\"",
        " ",
        "\t",
        "\0",
        "\"cont\"",
    };
    Fix f;

    fix_init(&f, true);
    qmp_ready(&f);
    for (int round = 0; round < 300; round++) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (int i = g_test_rand_int_range(1, 60); i > 0; i--) {
            if (round & 1) {
                g_string_append_c(text, g_test_rand_int_range(0, 256));
            } else {
                g_string_append(text, pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);
            }
        }
        say_bytes(&f, text->str, text->len);
        g_autoptr(json_t) rest = talk(&f, "");
    }
    /* Out of whatever it is in: 0xff ends every text. */
    g_autoptr(json_t) reset = talk(&f, "\xff\n");
    expect_class(&f, "{\"execute\":\"query-name\"}", "");
    fix_fini(&f);
}

static void test_run_state(void)
{
    Fix f;

    fix_init(&f, true);
    qmp_ready(&f);
    g_autoptr(json_t) stop = talk(&f, "{\"execute\":\"stop\"}");
    g_assert_cmpuint(json_array_size(stop), ==, 2);
    json_t *ev = json_array_get(stop, 0);
    g_assert_cmpstr(json_string_value(json_object_get(ev, "event")), ==, "STOP");
    json_t *stamp = json_object_get(ev, "timestamp");
    g_assert_cmpint(json_integer_value(json_object_get(stamp, "seconds")), >, 1600000000);
    g_assert_cmpint(json_integer_value(json_object_get(stamp, "microseconds")), <, 1000000);
    g_autoptr(json_t) st = ask(&f, "{\"execute\":\"query-status\"}", "");
    g_assert_true(json_is_false(json_object_get(json_object_get(st, "return"), "running")));
    g_assert_cmpstr(json_string_value(json_object_get(json_object_get(st, "return"), "status")), ==,
                    "paused");
    expect_class(&f, "{\"execute\":\"stop\"}", ""); /* again: no event */
    g_autoptr(json_t) cont = talk(&f, "{\"execute\":\"cont\"}");
    g_assert_cmpuint(json_array_size(cont), ==, 2);
    g_autoptr(json_t) reset = talk(&f, "{\"execute\":\"system_reset\"}");
    g_assert_cmpuint(json_array_size(reset), ==, 2);
    g_assert_cmpstr(json_string_value(json_object_get(json_array_get(reset, 1), "event")), ==,
                    "RESET");
    g_autoptr(json_t) cpus = ask(&f, "{\"execute\":\"query-cpus-fast\"}", "");
    g_assert_cmpuint(json_array_size(json_object_get(cpus, "return")), ==, 2);
    g_autoptr(json_t) hmc =
        ask(&f,
            "{\"execute\":\"human-monitor-command\",\"arguments\":{\"cpu-index\":1,"
            "\"command-line\":\"print $rax\"}}",
            "");
    g_assert_cmpstr(json_string_value(json_object_get(hmc, "return")), ==, "1234605616436508553\n");
    expect_class(&f,
                 "{\"execute\":\"human-monitor-command\",\"arguments\":{\"cpu-index\":2,"
                 "\"command-line\":\"x 0\"}}",
                 "GenericError");
    g_autoptr(json_t) quit = talk(&f, "{\"execute\":\"quit\",\"id\":\"bye\"}");
    g_assert_cmpuint(json_array_size(quit), ==, 2);
    g_assert_cmpstr(json_string_value(json_object_get(json_array_get(quit, 1), "event")), ==,
                    "SHUTDOWN");
    int status = -1;
    g_assert_true(machine_ended(f.m, &status));
    g_assert_cmpint(status, ==, 0);
    fix_fini(&f);
}

/* ---- the human monitor ---- */

/* What a line prints, without echo and prompts, and with plain line ends. */
static char *hmp(Fix *f, const char *line)
{
    g_autofree char *typed = g_strconcat(line, "\r", NULL);

    say_bytes(f, typed, strlen(typed));
    g_autofree char *out = take(f);
    const char *start = strstr(out, "\r\n");
    g_assert_nonnull(start);
    g_autoptr(GString) s = g_string_new(start + 2);
    g_string_replace(s, "\r\n", "\n", 0);
    if (g_str_has_suffix(s->str, "(qemu) ")) {
        g_string_truncate(s, s->len - 7);
    }
    return g_strdup(s->str);
}

static void prints(Fix *f, const char *line, const char *want)
{
    g_autofree char *got = hmp(f, line);

    g_assert_cmpstr(got, ==, want);
}

static void mentions(Fix *f, const char *line, const char *want)
{
    g_autofree char *got = hmp(f, line);

    if (!strstr(got, want)) {
        g_error("'%s' printed: %s", line, got);
    }
}

static void test_hmp(void)
{
    Fix f;

    fix_init(&f, false);
    g_autofree char *hello = take(&f);
    g_assert_true(g_str_has_suffix(hello, "for more information\r\n(qemu) "));
    prints(&f, "", "");
    prints(&f, "info status", "VM status: running\n");
    prints(&f, "stop", "");
    prints(&f, "  info   status  ", "VM status: paused\n");
    prints(&f, "c", "");
    prints(&f, "info chardev", "mon0: filename=ringbuf\n");
    prints(&f, "info name", "unit\n");
    mentions(&f, "help", "system_powerdown");
    mentions(&f, "help info", "info registers");
    mentions(&f, "help x", "format");
    mentions(&f, "info", "info mtree");
    mentions(&f, "info mtree", "address-space: memory");
    mentions(&f, "info mtree -f", "ram");
    mentions(&f, "info cpus", "* CPU #0: thread_id=");
    mentions(&f, "info jit", "null");
    mentions(&f, "systm_reset", "did you mean 'system_reset'");
    mentions(&f, "xyzzy", "unknown command: 'xyzzy'");
    mentions(&f, "info registers", "\nCPU#0\nRAX=1122334455667788");
    mentions(&f, "info registers -a", "\nCPU#1\nRAX=1122334455667789");
    prints(&f, "cpu 1", "");
    mentions(&f, "info registers", "\nCPU#1\n");
    mentions(&f, "info cpus", "* CPU #1: thread_id=");
    mentions(&f, "cpu 2", "no processor 2");
    mentions(&f, "cpu -1", "no processor -1");
    mentions(&f, "info registers 7", "no processor 7");
    mentions(&f, "stop now", "too much");
    mentions(&f, "\xff\xfe", "unknown command");
    mentions(&f, "print \xff", "UTF-8");
    g_autofree char *quit = hmp(&f, "q");
    g_assert_cmpstr(quit, ==, "");
    g_assert_true(machine_ended(f.m, NULL));
    fix_fini(&f);
}

static void test_expr(void)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"1", 1},
        {"0x10", 16},
        {"010", 8},
        {"1+2*3", 7},
        {"(1+2)*3", 9},
        {"-5", -5},
        {"~0", -1},
        {"10/3", 3},
        {"10%3", 1},
        {"2-3-4", -5},
        {"6&3", 2},
        {"6|3", 7},
        {"6^3", 5},
        {" 1 + 1 ", 2},
        {"'A'", 65},
        {"0xffffffffffffffff", -1},
        {"$pc", 0x1000},
        {"$rip+4", 0x1004},
        {"$eip", 0x1000},
        {"$RSP", 0x2000},
        {"$r8*2", 16},
        {"$eflags", 0x246},
        {"$eax", 0x55667788},
        {"-0x8000000000000000/-1", INT64_MIN},
        {"-0x8000000000000000%-1", 0},
        {"--1", 1},
    };
    static const char *const bad[] = {
        "",  "  ",      "1+",  "*2",   "(1",  "1)", "1 2",
        "$", "$nosuch", "$ax", "1/0",  "1%0", "0x", "99999999999999999999",
        "x", "'",       "''",  "1//2", "0b1",
    };
    Fix f;
    int64_t v;

    fix_init(&f, false);
    g_free(take(&f));
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_test_message("%s", good[i].text);
        g_assert_true(monitor_expr(machine_cpu(f.m, 0), good[i].text, &v, NULL));
        g_assert_cmpint(v, ==, good[i].value);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        Error *err = NULL;
        g_test_message("%s", bad[i]);
        g_assert_false(monitor_expr(machine_cpu(f.m, 0), bad[i], &v, &err));
        error_free(err);
    }
    g_assert_false(monitor_expr(NULL, "$pc", &v, NULL));
    g_autofree char *deep = g_strnfill(100000, '(');
    g_assert_false(monitor_expr(NULL, deep, &v, NULL));
    memset(deep, '-', 100000);
    g_assert_false(monitor_expr(NULL, deep, &v, NULL));
    prints(&f, "print 1+1", "2\n");
    prints(&f, "p/x 255", "0xff\n");
    prints(&f, "p/o 8", "010\n");
    prints(&f, "p/u -1", "18446744073709551615\n");
    prints(&f, "p/c 65", "'A'\n");
    mentions(&f, "p/q 1", "invalid char");
    prints(&f, "gva2gpa 0x100010", "gpa: 0x10\n");
    prints(&f, "gva2gpa 0", "Unmapped\n");
    fix_fini(&f);
}

typedef struct Pair { /* an index, and data behind it */
    uint8_t index;
    uint32_t data[256];
} Pair;

static uint64_t pair_read(void *opaque, hwaddr offset, unsigned size)
{
    const Pair *p = opaque;

    return offset ? p->data[p->index] : p->index;
}

static void pair_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    Pair *p = opaque;

    if (offset) {
        p->data[p->index] = (uint32_t)v;
    } else {
        p->index = (uint8_t)v;
    }
}

static void test_ports(void)
{
    static const IoOps ops = {pair_read, pair_write, .max_size = 4, .unaligned = true};
    static Pair pair;
    Fix f;

    fix_init(&f, false);
    g_free(take(&f));
    pair = (Pair){.index = 3};
    MemoryRegion *r = region_new_io("pair", &ops, &pair, 5);
    region_add(machine_ports_root(f.m), 0x70, r, 0);
    prints(&f, "i/b 0x70", "portb[0x0070] = 0x03\n");
    prints(&f, "o/b 0x70 0x114", "");
    prints(&f, "o/w 0x70+1 0x12345678", "");
    g_assert_cmphex(pair.index, ==, 0x14);
    g_assert_cmphex(pair.data[0x14], ==, 0x12345678);
    prints(&f, "i 0x71", "portl[0x0071] = 0x12345678\n");
    prints(&f, "i/h 0x10071", "portw[0x0071] = 0x5678\n");
    prints(&f, "i/b 0x70.0x15", "portb[0x0071] = 0x00\n");
    g_assert_cmphex(pair.index, ==, 0x15);
    prints(&f, "i/b 0x70 . 20", "portb[0x0071] = 0x78\n");
    prints(&f, "i/w 0x100", "portl[0x0100] = 0xffffffff\n"); /* nobody */
    prints(&f, "o/h 0x100 1", "");
    prints(&f, "o/g 0x70 1", ""); /* none are so wide */
    g_assert_cmphex(pair.index, ==, 1);
    mentions(&f, "i", "port");
    mentions(&f, "i 0x70.", "expression");
    mentions(&f, "i .5", "expression");
    mentions(&f, "o 0x70", "value");
    mentions(&f, "o/q 0x70 1", "invalid char in format: 'q'");
    region_remove(machine_ports_root(f.m), r);
    region_unref(r);
    fix_fini(&f);
}

static void test_dumps(void)
{
    Fix f;

    fix_init(&f, false);
    g_free(take(&f));
    prints(&f, "xp/6xb 0x1000", "0000000000001000: 0x00 0x01 0x02 0x03 0x04 0x05\n");
    prints(&f, "xp/10bx 0x1000",
           "0000000000001000: 0x00 0x01 0x02 0x03 0x04 0x05 0x06 0x07\n"
           "0000000000001008: 0x08 0x09\n");
    prints(&f, "xp/5xw 0x1000",
           "0000000000001000: 0x03020100 0x07060504 0x0b0a0908 0x0f0e0d0c\n"
           "0000000000001010: 0x13121110\n");
    prints(&f, "xp 0x1000", "0000000000001000: 0x03020100\n");
    prints(&f, "xp/3xg 0x1000",
           "0000000000001000: 0x0706050403020100 0x0f0e0d0c0b0a0908\n"
           "0000000000001010: 0x1716151413121110\n");
    prints(&f, "xp/2uh 0x1010", "0000000000001010:  4368  4882\n");
    prints(&f, "xp/2dw 0x10fc", "00000000000010fc:     -66052   50462976\n");
    prints(&f, "xp/1ow 0x1000", "0000000000001000:  0300400400\n");
    prints(&f, "xp/4cb 0x3000", "0000000000003000: 'h' 'e' 'l' 'l'\n");
    prints(&f, "xp/2s 0x3000",
           "0000000000003000: \"hello\"\n0000000000003006: \"it's \\x22me\\x22\\x0a\"\n");
    prints(&f, "xp/2xw 0xfffc", "000000000000fffc: Cannot access memory\n");
    prints(&f, "xp/xw 0x1234567890", "0000001234567890: Cannot access memory\n");
    prints(&f, "x/2xw $pc+0x100000", "0000000000101000: 0x03020100 0x07060504\n");
    prints(&f, "x/xw 0x100", "0000000000000100: Cannot access memory\n");
    prints(&f, "x/3i 0x101010", "0x00101010:  op 10\n0x00101011:  op 11\n0x00101012:  op 12\n");
    prints(&f, "xp/2i 0x1010", "0x00001010:  op 10\n0x00001011:  op 11\n");
    prints(&f, "x/i 0", "0x00000000: Cannot access memory\n");
    mentions(&f, "x/4q 0", "invalid char in format: 'q'");
    mentions(&f, "x/99999999xg 0", "too much");
    mentions(&f, "x/99999999999999999999999x 0", "too much");
    mentions(&f, "x", "address");
    mentions(&f, "xp/xw", "address");
    prints(&f, "xp/0xw 0x1000", "");
    fix_fini(&f);
}

/* ---- line editing ---- */

static void edits(Fix *f, const char *keys, const char *want)
{
    g_autofree char *got = NULL;

    say_bytes(f, keys, strlen(keys));
    say_bytes(f, "\r", 1);
    g_autofree char *out = take(f);
    const char *start = strstr(out, "\r\n");
    got = g_strndup(start + 2, strcspn(start + 2, "\r"));
    g_assert_cmpstr(got, ==, want);
}

static void test_lineedit(void)
{
    Fix f;

    fix_init(&f, false);
    g_free(take(&f));
    edits(&f, "print 12\b3", "13");
    edits(&f,
          "print 12\x7f\x7f"
          "45",
          "45");
    edits(&f, "rint 7\001p", "7");
    edits(&f, "print 23\033[D1", "213");
    edits(&f, "print 23\033[D\033[D1\0051", "1231");
    edits(&f, "print 9\033[H\033[C\033[C\033[3~\033[3~\033[4~\033[D\033[D\033[Din", "9");
    edits(&f, "garbage\025print 4", "4");
    edits(&f, "print 1 + 99\0275", "6");
    edits(&f, "print 55\033[D\013", "5");
    edits(&f, "junk\003print 8", "(qemu) print 8"); /* Ctrl-C: a new line and prompt */
    edits(&f, "\033[A", "8");
    edits(&f, "\020\020", "5");
    edits(&f, "print 77\020\016", "77");
    edits(&f, "\033[9999999999999999999999Zprint 3", "3");
    edits(&f, "print '\303\251'\b\b\b6", "6");
    /* Completion: alone, common prefix, list, of arguments of help. */
    edits(&f, "pri\t5", "5");
    edits(&f, "info stat\t", "VM status: running");
    say_bytes(&f, "system_\t\t", 9);
    g_autofree char *list = take(&f);
    g_assert_nonnull(strstr(list, "system_powerdown  system_reset"));
    say_bytes(&f, "\025help syst\tr\t", 13);
    g_autofree char *help = take(&f);
    g_assert_nonnull(strstr(help, "help system_reset"));
    say_bytes(&f, "\025zzz\t\t", 6);
    g_free(take(&f));
    /* A line that never ends stops growing. */
    for (int i = 0; i < 3000; i++) {
        say_bytes(&f, "abcdefghij", 10);
    }
    g_free(take(&f));
    edits(&f, "\025print 1", "1");
    fix_fini(&f);
}

static void test_hmp_random(void)
{
    static const char *const pieces[] = {
        "x",      "xp",    "/",         "4",    "i",        "s",       " ",         "0x1000",
        "$pc",    "info ", "print ",    "+",    "-",        "(",       ")",         "\033[A",
        "\033[D", "\t",    "\b",        "\r",   "\"",       "\\",      "stop",      "c",
        "\001",   "\005",  "\013",      "\027", "\033",     "help ",   "999999999", "\xff",
        "%",      "%s%n",  "registers", "-a",   "gva2gpa ", "ringbuf", "\303\251",
    };
    Fix f;

    fix_init(&f, false);
    g_free(take(&f));
    for (int round = 0; round < 300; round++) {
        for (int i = g_test_rand_int_range(1, 40); i > 0; i--) {
            const char *p = pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))];
            say_bytes(&f, p, strlen(p));
            if (round & 1) {
                uint8_t c = g_test_rand_int_range(0, 256);
                say_bytes(&f, &c, 1);
            }
        }
        g_free(take(&f));
    }
    g_free(hmp(&f, "\033Z\003"));
    prints(&f, "print 1", "1\n");
    fix_fini(&f);
}

int main(int argc, char **argv)
{
    g_setenv("RHEA_CHECK_QMP", "1", TRUE);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/monitor/qmp/negotiation", test_negotiation);
    g_test_add_func("/monitor/qmp/requests", test_requests);
    g_test_add_func("/monitor/qmp/ids", test_ids);
    g_test_add_func("/monitor/qmp/junk", test_junk);
    g_test_add_func("/monitor/qmp/limits", test_limits);
    g_test_add_func("/monitor/qmp/random", test_random);
    g_test_add_func("/monitor/qmp/run-state", test_run_state);
    g_test_add_func("/monitor/hmp/commands", test_hmp);
    g_test_add_func("/monitor/hmp/expressions", test_expr);
    g_test_add_func("/monitor/hmp/dumps", test_dumps);
    g_test_add_func("/monitor/hmp/ports", test_ports);
    g_test_add_func("/monitor/hmp/lineedit", test_lineedit);
    g_test_add_func("/monitor/hmp/random", test_hmp_random);
    return g_test_run();
}
