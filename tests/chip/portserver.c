/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ISA chips of a PC behind a line protocol, for judge.py: "outb 0x20 0x11", "inb 0x21";
 * each is answered by "OK" or "OK 0x..". The same words as QEMU's qtest.
 */
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "hw/intc/i8259.h"
#include "hw/isa/isa.h"
#include "hw/firmware/fw_cfg.h"

static Device *pic;

static void to_pic(void *opaque, int n, int level)
{
    irq_set(i8259_input(pic, n), level);
}

static void with_irq(Machine *m, Device *bus, const char *type, int irq)
{
    Device *d = device_new(m, device_type_find(type, NULL), bus, NULL);
    Irq line;

    if (irq >= 0) {
        isa_irq_claim(d, irq, &line, NULL);
        device_connect(d, 0, line);
    }
    if (strcmp(type, "i8042") == 0) {
        isa_irq_claim(d, 12, &line, NULL);
        device_connect(d, 1, line);
    }
    device_realize(d, NULL);
}

static Machine *build(void)
{
    Machine *m = bench_new(0);

    pic = bench_device(m, NULL, "i8259", NULL);
    Device *bus = bench_device(m, NULL, "isa-bus", NULL);
    for (int n = 0; n < ISA_IRQS; n++) {
        isa_bus_wire(bus, n, (Irq){to_pic, NULL, n});
    }
    with_irq(m, bus, "isa-pit", 0);
    with_irq(m, bus, "mc146818rtc", 8);
    with_irq(m, bus, "i8042", 1);
    with_irq(m, bus, "isa-serial", 4);
    with_irq(m, bus, "fw_cfg_io", -1);
    machine_reset_devices(m);
    return m;
}

int main(int argc, char **argv)
{
    Machine *m = build();
    char line[256], word[32];
    unsigned long long a, v;

    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof(line), stdin)) {
        a = v = 0;
        int n = sscanf(line, "%31s %lli %lli", word, (long long *)&a, (long long *)&v);
        unsigned size = strchr("b", word[strlen(word) - 1]) ? 1
                        : word[strlen(word) - 1] == 'w'     ? 2
                                                            : 4;
        if (n == 2 && strncmp(word, "in", 2) == 0) {
            printf("OK 0x%04llx\n", (unsigned long long)bench_in(m, a, size));
        } else if (n == 3 && strncmp(word, "out", 3) == 0) {
            bench_out(m, a, size, v);
            printf("OK\n");
        } else {
            printf("FAIL\n");
        }
    }
    bench_free(m);
    return 0;
}
