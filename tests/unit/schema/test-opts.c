/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Option strings, and both spellings through the generated argument structs.
 */
#include <string.h>

#include "base/units.h"
#include "schema/commands.h"
#include "schema/opts.h"

static void check(const char *text, const char *implied, const char *json)
{
    g_autoptr(Error) err = NULL;
    g_autoptr(json_t) got = opts_parse(text, implied, &err);
    g_autoptr(json_t) want = json_loads(json, 0, NULL);

    g_assert_null(err);
    g_assert_true(json_equal(got, want));
}

static void test_parse(void)
{
    check("tcg,thread=multi", "accel", "{\"accel\":\"tcg\",\"thread\":\"multi\"}");
    check("id=a,,b,path=x=y", NULL, "{\"id\":\"a,b\",\"path\":\"x=y\"}");
    check("a,,b", "file", "{\"file\":\"a,b\"}");
    check("server,wait=off", "type", "{\"type\":\"server\",\"wait\":\"off\"}");
    check("x=1,server", "type", "{\"x\":\"1\",\"server\":\"on\"}");
    check("x=1,x=2", NULL, "{\"x\":\"2\"}");
    check("x=", NULL, "{\"x\":\"\"}");
    check("", "type", "{}");
    check("{\"a\": [1, true]}", NULL, "{\"a\":[1,true]}");
}

static void test_parse_errors(void)
{
    static const char *const bad[] = {"=x", "{\"a\":", "{\"a\":1,\"a\":2}", "a=\xff", "a=1,,,=b"};

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(Error) err = NULL;
        g_autoptr(json_t) v = opts_parse(bad[i], NULL, &err);
        g_assert_null(v);
        g_assert_nonnull(err);
    }
}

static bool parse_into(const char *option, const char *text, void *out, Error **errp)
{
    const SchemaOption *o = schema_option_find(option);
    json_t *v = opts_parse(text, o->implied, errp);

    /* Strings in @out point into it. */
    g_test_queue_destroy((GDestroyNotify)json_decref, v);
    return v && schema_args_parse(o->args, o->args_size, v, true, out, errp);
}

static void test_args(void)
{
    OptSmpArgs smp;
    OptMArgs m;
    OptMonArgs mon;

    g_assert_true(parse_into("smp", "4,cores=2", &smp, NULL));
    g_assert_true(smp.has_cpus && smp.cpus == 4 && smp.cores == 2 && !smp.has_threads);
    g_assert_true(parse_into("m", "512", &m, NULL));
    g_assert_cmpuint(m.size, ==, 512 * MiB);
    g_assert_true(parse_into("m", "{\"size\": 1048576}", &m, NULL));
    g_assert_cmpuint(m.size, ==, MiB);
    g_assert_true(parse_into("m", "{\"size\": \"1G\"}", &m, NULL));
    g_assert_cmpuint(m.size, ==, GiB);
    g_assert_true(parse_into("mon", "c0,mode=control", &mon, NULL));
    g_assert_cmpstr(mon.chardev, ==, "c0");
    g_assert_cmpint(mon.mode, ==, SCHEMA_MONITOR_MODE_CONTROL);
    g_assert_false(mon.pretty);
    g_assert_true(parse_into("mon", "c0,pretty", &mon, NULL));
    g_assert_true(mon.pretty);
    g_assert_true(parse_into("mon", "c0,nopretty", &mon, NULL));
    g_assert_false(mon.pretty);
}

static void test_args_errors(void)
{
    static const struct {
        const char *option, *text, *message, *hint;
    } cases[] = {
        {"m", "12Q", "unknown size suffix 'Q'", "512M"},
        {"m", "size=", "is not a size", "512M"},
        {"m", "512,slots=2", "'slots' is unexpected", "size"},
        {"smp", "cpus=two", "cpus: 'two' is not a number", NULL},
        {"smp", "4,core=2", "'core' is unexpected", "'cores'"},
        {"mon", "mode=control", "'chardev' is missing", NULL},
        {"mon", "c0,mode=qmp", "'qmp' is not a value of 'mode'", "readline, control"},
        {"mon", "c0,pretty=maybe", "neither on nor off", NULL},
        {"m", "{\"size\": true}", "expected: integer", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(Error) err = NULL;
        char out[256];
        g_assert_false(parse_into(cases[i].option, cases[i].text, out, &err));
        g_assert_nonnull(strstr(error_message(err), cases[i].message));
        if (cases[i].hint) {
            g_assert_nonnull(strstr(error_hint_text(err), cases[i].hint));
        }
    }
}

static void test_options(void)
{
    g_autofree char *help = schema_options_help("rhea");
    int n = 0;

    for (const SchemaOption *o = schema_options; o->name; o++, n++) {
        g_autofree char *dashed = g_strdup_printf("-%s", o->name);
        g_assert_nonnull(strstr(help, dashed));
        g_assert_true(schema_option_find(o->name) == o);
        g_assert_true((o->kind == OPTION_FLAG) == !o->usage);
    }
    g_assert_cmpint(n, ==, OPT__COUNT);
    g_assert_cmpstr(schema_option_suggest("kernal"), ==, "kernel");
    g_assert_null(schema_option_suggest("completely-else"));
    g_assert_true(schema_option_find("M") == schema_option_find("machine"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/schema/opts/parse", test_parse);
    g_test_add_func("/schema/opts/parse-errors", test_parse_errors);
    g_test_add_func("/schema/args/parse", test_args);
    g_test_add_func("/schema/args/errors", test_args_errors);
    g_test_add_func("/schema/options", test_options);
    return g_test_run();
}
