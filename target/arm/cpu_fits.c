/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Can a machine's processors move to another accelerator? The host's processor is known by its ID registers (Arm ARM D17.2);
 * what guests saw there, and the translator does not have, keeps a machine where it is.
 */
#include "base/bits.h"
#include "core/machine.h"
#include "target/arm/cpu_text.h"
#include "target/arm/sysreg.h"
#include "target/arm/system.h"

#define NIBBLE(lsb) (15ull << (lsb))
#define ISAR1_PAUTH 0xff000ff0ull /* GPI, GPA, API, APA */
#define ISAR1_IMPDEF NIBBLE(8)
#define ISAR2_PAUTH 0xff00ull     /* APA3, GPA3 */

/*
 * Fields that speak of what software at EL1 and EL0 can do. Not those of EL2, of caches, of the PMU and the debugger, of
 * speculation, and of what KVM does not give to guests.
 */
static const struct {
    uint16_t reg;
    uint64_t fields, pauth, sve; /* the last two only matter with these */
    const char *name;
} told[] = {
#define T(reg, fields, pauth, sve) {ARM_ID_##reg, fields, pauth, sve, #reg}
    T(ID_AA64PFR0_EL1, NIBBLE(0) | NIBBLE(16) | NIBBLE(20) | NIBBLE(28) | NIBBLE(48), 0, NIBBLE(32)),
    T(ID_AA64PFR1_EL1, NIBBLE(0) | NIBBLE(4) | NIBBLE(24) | NIBBLE(36) | NIBBLE(44) | NIBBLE(48), 0, 0),
    T(ID_AA64ZFR0_EL1, 0, 0, ~0ull),
    T(ID_AA64SMFR0_EL1, ~0ull, 0, 0),
    T(ID_AA64ISAR0_EL1, ~0ull, 0, 0),
    T(ID_AA64ISAR1_EL1, ~ISAR1_PAUTH, ISAR1_PAUTH, 0),
    T(ID_AA64ISAR2_EL1, ~ISAR2_PAUTH & ~NIBBLE(24), ISAR2_PAUTH, 0),
    T(ID_AA64MMFR0_EL1, NIBBLE(8) | NIBBLE(20) | NIBBLE(24) | NIBBLE(28), 0, 0),
    T(ID_AA64MMFR1_EL1, NIBBLE(0) | NIBBLE(12) | NIBBLE(20) | NIBBLE(44) | NIBBLE(56), 0, 0),
    T(ID_AA64MMFR2_EL1, NIBBLE(0) | NIBBLE(4) | NIBBLE(16) | NIBBLE(28) | NIBBLE(32) | NIBBLE(60), 0, 0),
#undef T
};

static uint64_t value_of(const AccelArmHost *host, uint16_t reg)
{
    for (unsigned i = 0; i < host->n; i++) {
        if (arm_id_by_key(host->id[i].key) == reg) {
            return host->id[i].value;
        }
    }
    return 0;
}

bool arm_fits_translator(const ArmCpuConfig *c, int n, const AccelArmHost *host, Error **errp)
{
    if (c->host_pauth && (value_of(host, ARM_ID_ID_AA64ISAR1_EL1) & ISAR1_IMPDEF)) {
        error_set(errp, ERR_UNSUPPORTED, "processor %d signs pointers by the host's own algorithm, which the translator does not "
                  "know", n);
        error_hint(errp, "start the machine without (-cpu host,pauth=off)");
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(told); i++) {
        uint64_t fields = told[i].fields | (c->host_pauth ? told[i].pauth : 0) | (c->sve_vq_map ? told[i].sve : 0);
        uint64_t theirs = value_of(host, told[i].reg), beyond = (theirs ^ c->id[told[i].reg]) & fields;
        if (beyond) {
            int lsb = ctz64(beyond) & ~3;
            error_set(errp, ERR_UNSUPPORTED, "processor %d has what %s[%d:%d] = %d stands for, and the translator has not",
                      n, told[i].name, lsb + 3, lsb, (int)(theirs >> lsb & 15));
            error_hint(errp, "such a machine stays under its accelerator%s",
                       beyond & told[i].sve ? "; -cpu host,sve=off is one without SVE"
                       : beyond & told[i].pauth ? "; -cpu host,pauth=off is one without pointer authentication" : "");
            return false;
        }
    }
    return true;
}

bool arm_cpu_fits(Cpu *cpu, const AccelOps *to, Error **errp)
{
    const AccelOps *from = machine_accel(cpu->machine);

    if (to->arm && !arm_cpu(cpu)->config.host) {
        error_set(errp, ERR_UNSUPPORTED, "processor %d is not the host's, which guests have under accelerator '%s'", cpu->index,
                  to->name);
        error_hint(errp, "start the machine there (-accel %s -cpu host): it can move away and back", to->name);
        return false;
    }
    if (to->arm || !from->arm) {
        return true;
    }
    g_autofree AccelArmHost *host = from->arm->host(errp);
    return host && arm_fits_translator(&arm_cpu(cpu)->config, cpu->index, host, errp);
}
