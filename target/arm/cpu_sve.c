/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vector lengths of SVE in the text of -cpu: sve128=on ... sve2048=on, sve-max-vq. What may be combined, and the texts of
 * errors, are QEMU's (its documentation of Arm CPU features).
 */
#include <stdio.h>

#include "base/bits.h"
#include "target/arm/cpu_text.h"
#include "target/arm/env.h"

#define POWERS_OF_TWO 0x808bu /* lengths of 1, 2, 4, 8 and 16 quadwords */

int arm_sve_length(const char *name)
{
    unsigned bits;
    char rest;

    if (sscanf(name, "sve%u%c", &bits, &rest) == 1 && bits % 128 == 0 && bits >= 128 && bits <= 128 * ARM_MAX_VQ) {
        return (int)(bits / 128) - 1;
    }
    return -1;
}

static bool sve_error(Error **errp, const char *verb, int bit, const char *hint)
{
    error_set(errp, ERR_INVALID_PARAMETER, "cannot %s sve%d", verb, 128 * (bit + 1));
    error_hint(errp, "%s", hint);
    return false;
}

static int highest(uint32_t map)
{
    return map ? 31 - clz32(map) : -1;
}

static bool none_left(int lowest, Error **errp)
{
    return sve_error(errp, "disable", lowest, "with SVE, at least one vector length must be enabled");
}

/*
 * The vector lengths: those of the model up to the longest, without those turned off; of the powers of two
 * below the longest none may be missing (the architecture's rule).
 */
static bool settle_ours(ArmCpuRequest *r, uint32_t *map, Error **errp)
{
    uint32_t can = r->m->sve_vq_map;
    int top = highest(can);

    if (r->sve_max_vq > ARM_MAX_VQ) {
        error_set(errp, ERR_INVALID_PARAMETER, "unsupported SVE vector length");
        error_hint(errp, "valid sve-max-vq: 1 to %d", ARM_MAX_VQ);
        return false;
    }
    if (r->sve_max_vq) {
        top = (int)r->sve_max_vq - 1;
        if (highest(r->sve_on) > top) {
            return sve_error(errp, "enable", highest(r->sve_on), "it is larger than sve-max-vq");
        }
        if (r->sve_off >> top & 1) {
            return sve_error(errp, "disable", top, "it is the maximum that sve-max-vq says");
        }
    } else if (r->sve_on) {
        top = highest(r->sve_on);
    } else if (r->sve_off & POWERS_OF_TWO) {
        top = ctz32(r->sve_off & POWERS_OF_TWO) - 1; /* all that are longer go too */
    }
    if (top < 0) {
        return none_left(0, errp);
    }
    uint32_t below = (2u << top) - 1, needed = below & POWERS_OF_TWO & can;
    if (r->sve_off & needed) {
        return sve_error(errp, "disable", highest(r->sve_off & needed),
                         "it is required as it is a power-of-two length smaller than the maximum");
    }
    *map = r->sve_on && !r->sve_max_vq ? r->sve_on | needed : can & below & ~r->sve_off;
    return true;
}

/* The host's processor has all of its lengths up to the longest (Linux, KVM_REG_ARM64_SVE_VLS): only that can be chosen. */
static bool settle_hosts(ArmCpuRequest *r, uint32_t *map, Error **errp)
{
    uint32_t can = r->m->sve_vq_map, off = r->sve_off & can;
    int top = highest(r->sve_on ? r->sve_on : off ? can & ((off & -off) - 1) : can);

    if (top < 0) {
        return none_left(ctz32(off), errp);
    }
    *map = can & ((2u << top) - 1);
    if (*map & off) {
        return sve_error(errp, "disable", highest(*map & off), "KVM gives guests all of the host's lengths below the longest");
    }
    return true;
}

bool arm_settle_sve(ArmCpuRequest *r, Error **errp)
{
    ArmCpuConfig *c = r->c;
    uint32_t excess = r->sve_on & ~(uint32_t)r->m->sve_vq_map, map;

    if (r->host && !r->m->sve_vq_map && r->sve_on) {
        return sve_error(errp, "enable", highest(r->sve_on), "KVM has no SVE on this host");
    }
    if (!arm_has(c, ARM_FEAT_SVE)) {
        return !r->sve_on || sve_error(errp, "enable", highest(r->sve_on),
                                       "SVE must be enabled to enable vector lengths: add sve=on");
    }
    if (excess) {
        return sve_error(errp, "enable", highest(excess), "this processor does not have that length");
    }
    if (!(r->host ? settle_hosts : settle_ours)(r, &map, errp)) {
        return false;
    }
    c->sve_vq_map = (uint16_t)map;
    c->sve_vq_max = (uint8_t)(highest(map) + 1);
    return true;
}
