/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device engine: properties, state, registers, wires, reset, realize.
 */
#include <string.h>

#include "toy.h"

typedef struct Chip {
    Device dev;
    /* properties */
    bool flag;
    uint8_t small;
    uint16_t base;
    int32_t offset;
    uint64_t size;
    char *text;
    int mode;
    Device *peer;
    CharPort *chr;
    /* state */
    uint32_t ctrl, status;
    uint8_t bytes[6];
    bool armed;
    uint16_t table[3];
    int64_t when;
    uint32_t battery;
    Timer timer;
    /* host only */
    int outputs, hooks;
    uint64_t hook_value;
    bool fail_realize, refuse_load;
    IrqHandler *unused;
} Chip;

static const char *const modes[] = {"slow", "fast", NULL};

static const Property chip_props[] = {
    PROP(Chip, PROP_BOOL, flag, "flag", 1, "a flag"),
    PROP(Chip, PROP_U8, small, "small", 7, "a byte"),
    PROP(Chip, PROP_U16, base, "iobase", 0x3f8, "a port"),
    PROP(Chip, PROP_I32, offset, "offset", -5, "a signed number"),
    PROP(Chip, PROP_SIZE, size, "size", 4096, "a size"),
    PROP_STR(Chip, text, "text", "none", "a text"),
    {.name = "mode", .kind = PROP_ENUM, .offset = offsetof(Chip, mode), .def = 1, .enum_names = modes,
     .help = "how"},
    {.name = "peer", .kind = PROP_LINK, .offset = offsetof(Chip, peer), .link_type = "test-chip",
     .help = "another"},
    PROP(Chip, PROP_CHARDEV, chr, "chardev", 0, "where its bytes go"),
    {0},
};

static const StateField chip_state[] = {
    STATE(Chip, STATE_U32, ctrl, 0x80),
    STATE(Chip, STATE_U32, status, 0),
    STATE_RAW(Chip, bytes),
    STATE(Chip, STATE_BOOL, armed, 1),
    STATE_ARRAY(Chip, STATE_U16, table, 3, 0x1234),
    STATE(Chip, STATE_I64, when, (uint64_t)-1),
    STATE_KEEP(Chip, STATE_U32, battery, 1),
    STATE(Chip, STATE_TIMER, timer, 0),
    HOST_ONLY(Chip, outputs),
    {0},
};

static void ctrl_write(Device *d, const Register *r, uint64_t val)
{
    Chip *c = (Chip *)d;

    c->hooks++;
    c->hook_value = val;
}

static uint64_t id_read(Device *d, const Register *r)
{
    return 0xcafe;
}

static const Register chip_regs[] = {
    {.offset = 0, .name = "CTRL", .size = 4, .access = REG_RW, .field = offsetof(Chip, ctrl),
     .write_mask = 0x00ff00ff, .write = ctrl_write},
    {.offset = 4, .name = "STATUS", .size = 4, .access = REG_W1C, .field = offsetof(Chip, status),
     .write_mask = ~0ull},
    {.offset = 8, .name = "ID", .size = 2, .access = REG_RO, .field = SIZE_MAX, .read = id_read},
    {.offset = 12, .name = "CMD", .size = 1, .access = REG_WO, .field = SIZE_MAX, .write = ctrl_write},
    {.name = NULL},
};

static void on_timer(void *opaque)
{
    ((Chip *)opaque)->status |= 1;
    device_update(opaque);
}

static bool chip_realize(Device *d, Error **errp)
{
    Chip *c = (Chip *)d;

    timer_init(&c->timer, d->machine, CLOCK_VIRTUAL, on_timer, c);
    timer_arm(&c->timer, 5000);
    device_init_out(d, 1);
    region_add(machine_memory_root(d->machine), 0x100000, device_register_region(d, "chip", 0x100), 0);
    if (c->fail_realize) {
        error_set(errp, ERR_GENERIC, "it does not want to");
        return false;
    }
    return true;
}

static void chip_outputs(Device *d)
{
    Chip *c = (Chip *)d;

    c->outputs++;
    irq_set(d->out[0], c->status != 0);
}

static bool chip_post_load(Device *d, int version, Error **errp)
{
    Chip *c = (Chip *)d;

    if (c->table[0] == 0xdead) {
        error_set(errp, ERR_GENERIC, "table[0] is dead");
        return false;
    }
    return true;
}

static const DeviceType chip_type = {
    .name = "test-chip",
    .help = "a chip",
    .bus = "sysbus",
    .size = sizeof(Chip),
    .version = 2,
    .props = chip_props,
    .state = chip_state,
    .regs = chip_regs,
    .realize = chip_realize,
    .outputs = chip_outputs,
    .post_load = chip_post_load,
};
DEVICE_TYPE(chip_type);

static Machine *new_machine(void)
{
    return toy_machine((MachineConfig){.cpus = 1}, NULL);
}

static Chip *new_chip(Machine *m, const char *id)
{
    return (Chip *)device_new(m, device_type_find("test-chip", NULL), NULL, id);
}

static void expect_error(bool ok, Error **err, const char *part)
{
    g_assert_false(ok);
    g_autofree char *text = error_describe(*err);
    g_assert_nonnull(strstr(text, part));
    error_free(*err);
    *err = NULL;
}

static void test_props(void)
{
    Machine *m = new_machine();
    Chip *a = new_chip(m, "a"), *b = new_chip(m, "b");
    Device *d = &a->dev;
    Error *err = NULL;

    g_assert_true(a->flag && a->small == 7 && a->base == 0x3f8 && a->offset == -5 && a->mode == 1);
    g_assert_cmpstr(a->text, ==, "none");
    g_assert_true(device_set(d, "flag", "off", NULL) && !a->flag);
    g_assert_true(device_set(d, "iobase", "0x2f8", NULL) && a->base == 0x2f8);
    g_assert_true(device_set(d, "offset", "-70000", NULL) && a->offset == -70000);
    g_assert_true(device_set(d, "size", "2M", NULL) && a->size == 2 << 20);
    g_assert_true(device_set(d, "text", "hello", NULL));
    g_assert_true(device_set(d, "mode", "slow", NULL) && a->mode == 0);
    g_assert_true(device_set(d, "peer", "b", NULL) && a->peer == &b->dev);
    g_autofree char *peer = device_get(d, "peer"), *size = device_get(d, "size"),
                    *mode = device_get(d, "mode");
    g_assert_cmpstr(peer, ==, "b");
    g_assert_cmpstr(size, ==, "2097152");
    g_assert_cmpstr(mode, ==, "slow");
    expect_error(device_set(d, "iobasse", "1", &err), &err, "did you mean 'iobase'");
    expect_error(device_set(d, "small", "256", &err), &err, "out of range");
    expect_error(device_set(d, "small", "x", &err), &err, "property 'small'");
    expect_error(device_set(d, "mode", "medium", &err), &err, "slow, fast");
    expect_error(device_set(d, "peer", "zz", &err), &err, "no device 'zz'");
    expect_error(device_set(d, "chardev", "c0", &err), &err, "no character device 'c0'");
    expect_error(device_type_find("test-chop", &err) != NULL, &err, "did you mean 'test-chip'");
    g_assert_true(device_realize(d, NULL));
    expect_error(device_set(d, "flag", "on", &err), &err, "any more");
    machine_free(m);
}

static void test_registers(void)
{
    Machine *m = new_machine();
    Chip *c = new_chip(m, "c");
    AddressSpace *as = machine_memory(m);
    uint64_t v;

    g_assert_true(device_realize(&c->dev, NULL));
    int outputs = c->outputs;
    address_space_store(as, 0x100000, MEM_ATTRS_NONE, 4, 0x12345678);
    g_assert_cmphex(c->ctrl, ==, 0x00340078);
    g_assert_cmphex(c->hook_value, ==, 0x00340078);
    g_assert_cmpint(c->outputs, ==, outputs + 1);
    address_space_store(as, 0x100002, MEM_ATTRS_NONE, 1, 0xab);
    g_assert_cmphex(c->ctrl, ==, 0x00ab0078);
    c->status = 0xff;
    address_space_store(as, 0x100004, MEM_ATTRS_NONE, 1, 0x0f);
    g_assert_cmphex(c->status, ==, 0xf0);
    address_space_load(as, 0x100004, MEM_ATTRS_NONE, 8, &v);
    g_assert_cmphex(v, ==, 0xcafe000000f0ull);
    address_space_load(as, 0x100007, MEM_ATTRS_NONE, 4, &v); /* across registers and a gap */
    g_assert_cmphex(v, ==, 0x00cafe00);
    address_space_store(as, 0x10000c, MEM_ATTRS_NONE, 1, 0x5a);
    g_assert_cmphex(c->hook_value, ==, 0x5a);
    address_space_store(as, 0x100008, MEM_ATTRS_NONE, 2, 0); /* read-only */
    address_space_load(as, 0x10000c, MEM_ATTRS_NONE, 4, &v); /* write-only */
    g_assert_cmphex(v, ==, 0);
    address_space_load(as, 0x1000fd, MEM_ATTRS_NONE, 8, &v); /* over the end */
    g_assert_cmphex(v, ==, 0xffffffffff000000);
    machine_free(m);
}

static void on_wire(void *opaque, int n, int level)
{
    *(int *)opaque = n * 10 + level;
}

static void test_wires_and_reset(void)
{
    Machine *m = new_machine();
    Chip *c = new_chip(m, "c"), *k = (Chip *)device_new(m, &chip_type, &c->dev, "kid");
    int level = -1;

    device_connect(&c->dev, 0, (Irq){on_wire, &level, 4});
    g_assert_true(device_realize(&c->dev, NULL));
    g_assert_cmpint(level, ==, 40);
    c->status = 2;
    c->battery = 77;
    c->bytes[3] = 9;
    device_update(&c->dev);
    g_assert_cmpint(level, ==, 41);
    machine_reset_devices(m);
    g_assert_cmpint(level, ==, 40);
    g_assert_cmphex(c->ctrl, ==, 0x80);
    g_assert_cmpint(c->battery, ==, 77);
    g_assert_cmpint(c->bytes[3], ==, 0);
    g_assert_cmphex(c->table[2], ==, 0x1234);
    g_assert_cmpint(c->when, ==, -1);
    g_assert_false(timer_armed(&c->timer));
    g_assert_true(device_find(m, "kid") == &k->dev);
    g_assert_true(device_find(m, "/c/kid") == &k->dev);
    g_assert_null(device_find(m, "/c/nobody"));
    g_autoptr(GString) tree = g_string_new(NULL);
    device_dump_tree(m, tree);
    g_assert_nonnull(strstr(tree->str, "dev: test-chip, id \"kid\""));
    g_assert_nonnull(strstr(tree->str, "mode = \"fast\""));
    machine_free(m);
}

static void test_realize_fails(void)
{
    Machine *m = new_machine();
    Chip *c = new_chip(m, "c");
    Error *err = NULL;
    uint64_t v;

    c->fail_realize = true;
    expect_error(device_realize(&c->dev, &err), &err, "does not want");
    g_assert_cmpint(address_space_load(machine_memory(m), 0x100000, MEM_ATTRS_NONE, 4, &v), ==,
                    MEM_DECODE_ERROR);
    c->fail_realize = false;
    g_assert_true(device_realize(&c->dev, NULL));
    g_assert_cmpint(address_space_load(machine_memory(m), 0x100000, MEM_ATTRS_NONE, 4, &v), ==, MEM_OK);
    device_free(&c->dev);
    g_assert_cmpint(address_space_load(machine_memory(m), 0x100000, MEM_ATTRS_NONE, 4, &v), ==,
                    MEM_DECODE_ERROR);
    machine_free(m);
}

static GByteArray *save(Chip *c)
{
    GByteArray *b = g_byte_array_new();

    device_save(&c->dev, b);
    return b;
}

static bool same(GByteArray *a, GByteArray *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static void test_save_load(void)
{
    Machine *m = new_machine();
    Chip *a = new_chip(m, "a"), *b = new_chip(m, "b");
    Error *err = NULL;
    int level = -1;

    device_connect(&b->dev, 0, (Irq){on_wire, &level, 0});
    g_assert_true(device_realize(&a->dev, NULL) && device_realize(&b->dev, NULL));
    a->status = 3;
    a->table[1] = 0x5555;
    memcpy(a->bytes, "abcdef", 6);
    timer_arm(&a->timer, 123456);
    g_autoptr(GByteArray) x = save(a);
    g_assert_true(device_load(&b->dev, x->data, x->len, &err));
    g_assert_cmpint(level, ==, 1);
    g_assert_cmpint(b->timer.deadline, ==, 123456);
    g_autoptr(GByteArray) y = save(b);
    g_assert_true(same(x, y));

    a->table[0] = 0xdead; /* refused: as before */
    g_autoptr(GByteArray) bad = save(a);
    expect_error(device_load(&b->dev, bad->data, bad->len, &err), &err, "dead");
    g_autoptr(GByteArray) z = save(b);
    g_assert_true(same(x, z));
    expect_error(device_load(&b->dev, x->data, 0, &err), &err, "not the state");
    machine_free(m);
}

/* Any byte changed, any length cut: a clean answer, and the device is still a device. */
static void test_load_hostile(void)
{
    Machine *m = new_machine();
    Chip *a = new_chip(m, "a");

    g_assert_true(device_realize(&a->dev, NULL));
    g_autoptr(GByteArray) x = save(a);
    for (guint cut = 0; cut < x->len; cut++) {
        g_autofree uint8_t *copy = g_memdup2(x->data, cut + 1);
        g_assert_false(device_load(&a->dev, copy, cut, NULL));
        copy[cut] ^= 0xff;
        device_load(&a->dev, copy, cut + 1, NULL);
    }
    for (int n = 0; n < 20000; n++) {
        g_autofree uint8_t *copy = g_memdup2(x->data, x->len);
        for (int k = g_test_rand_int_range(1, 4); k; k--) {
            copy[g_test_rand_int_range(0, x->len)] = g_test_rand_int();
        }
        Error *err = NULL;
        bool ok = device_load(&a->dev, copy, x->len, &err);
        g_assert_true(ok == !err);
        error_free(err);
        g_assert_cmpuint(*(uint8_t *)&a->armed, <=, 1);
    }
    machine_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/device/props", test_props);
    g_test_add_func("/core/device/registers", test_registers);
    g_test_add_func("/core/device/wires-and-reset", test_wires_and_reset);
    g_test_add_func("/core/device/realize-fails", test_realize_fails);
    g_test_add_func("/core/device/save-load", test_save_load);
    g_test_add_func("/core/device/load-hostile", test_load_hostile);
    return g_test_run();
}
