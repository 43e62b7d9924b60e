/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv3's CPU interface as system registers (IHI 0069, 12.2, 12.4): all of it is the interrupt controller's, here are
 * the encodings only.
 *
 * Thread: the vCPU's own.
 */
#include "target/arm/exception.h"
#include "target/arm/sysreg_rows.h"

static uint64_t gic_read(ArmEnv *env, const ArmSysRegDef *r)
{
    const CpuIntcOps *intc = env->cpu->intc;
    uint64_t v = 0;

    if (!intc->sysreg_read(env->cpu->intc_opaque, r->reg.key, &v)) {
        arm_raise_undef(env);
    }
    return v;
}

static void gic_write(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    const CpuIntcOps *intc = env->cpu->intc;

    if (!intc->sysreg_write(env->cpu->intc_opaque, r->reg.key, v)) {
        arm_raise_undef(env);
    }
    arm_poll_interrupts(env);
}

/* Without such a controller the registers do not exist. */
static int gic_trap(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    const CpuIntcOps *intc = env->cpu->intc;

    if (!intc || !intc->sysreg_read || !intc->sysreg_write) {
        return -1;
    }
    return intc->sysreg_trap ? intc->sysreg_trap(env->cpu->intc_opaque, r->reg.key, write) : 0;
}

#define GIC(n, op1, crn, crm, op2, r, w)                                                                               \
    {SR3(n, op1, crn, crm, op2, r, w, SR_IO), .feature = ARM_FEAT_GICv3_SR, .slot = -1, .read = gic_read,             \
     .write = gic_write, .trap = gic_trap}
#define ICC(n, crm, op2) GIC(n, 0, 12, crm, op2, 1, 1)
#define ICC_RO(n, crm, op2) GIC(n, 0, 12, crm, op2, 1, 4)
#define ICC_WO(n, crm, op2) GIC(n, 0, 12, crm, op2, 4, 1)
#define ICH(n, crm, op2) GIC(n, 4, 12, crm, op2, 2, 2)
#define ICH_RO(n, crm, op2) GIC(n, 4, 12, crm, op2, 2, 4)

const ArmSysRegDef arm_gic_regs[] = {
    GIC("ICC_PMR_EL1", 0, 4, 6, 0, 1, 1),
    ICC_RO("ICC_IAR0_EL1", 8, 0), ICC_WO("ICC_EOIR0_EL1", 8, 1), ICC_RO("ICC_HPPIR0_EL1", 8, 2),
    ICC("ICC_BPR0_EL1", 8, 3), ICC("ICC_AP0R0_EL1", 8, 4), ICC("ICC_AP0R1_EL1", 8, 5), ICC("ICC_AP0R2_EL1", 8, 6),
    ICC("ICC_AP0R3_EL1", 8, 7), ICC("ICC_AP1R0_EL1", 9, 0), ICC("ICC_AP1R1_EL1", 9, 1), ICC("ICC_AP1R2_EL1", 9, 2),
    ICC("ICC_AP1R3_EL1", 9, 3), ICC_WO("ICC_DIR_EL1", 11, 1), ICC_RO("ICC_RPR_EL1", 11, 3),
    ICC_WO("ICC_SGI1R_EL1", 11, 5), ICC_WO("ICC_ASGI1R_EL1", 11, 6), ICC_WO("ICC_SGI0R_EL1", 11, 7),
    ICC_RO("ICC_IAR1_EL1", 12, 0), ICC_WO("ICC_EOIR1_EL1", 12, 1), ICC_RO("ICC_HPPIR1_EL1", 12, 2),
    ICC("ICC_BPR1_EL1", 12, 3), ICC("ICC_CTLR_EL1", 12, 4), ICC("ICC_SRE_EL1", 12, 5), ICC("ICC_IGRPEN0_EL1", 12, 6),
    ICC("ICC_IGRPEN1_EL1", 12, 7), ICH("ICC_SRE_EL2", 9, 5),
    ICH("ICH_AP0R0_EL2", 8, 0), ICH("ICH_AP0R1_EL2", 8, 1), ICH("ICH_AP0R2_EL2", 8, 2), ICH("ICH_AP0R3_EL2", 8, 3),
    ICH("ICH_AP1R0_EL2", 9, 0), ICH("ICH_AP1R1_EL2", 9, 1), ICH("ICH_AP1R2_EL2", 9, 2), ICH("ICH_AP1R3_EL2", 9, 3),
    ICH("ICH_HCR_EL2", 11, 0), ICH_RO("ICH_VTR_EL2", 11, 1), ICH_RO("ICH_MISR_EL2", 11, 2), ICH_RO("ICH_EISR_EL2", 11, 3),
    ICH_RO("ICH_ELRSR_EL2", 11, 5), ICH("ICH_VMCR_EL2", 11, 7),
    ICH("ICH_LR0_EL2", 12, 0), ICH("ICH_LR1_EL2", 12, 1), ICH("ICH_LR2_EL2", 12, 2), ICH("ICH_LR3_EL2", 12, 3),
    ICH("ICH_LR4_EL2", 12, 4), ICH("ICH_LR5_EL2", 12, 5), ICH("ICH_LR6_EL2", 12, 6), ICH("ICH_LR7_EL2", 12, 7),
    ICH("ICH_LR8_EL2", 13, 0), ICH("ICH_LR9_EL2", 13, 1), ICH("ICH_LR10_EL2", 13, 2), ICH("ICH_LR11_EL2", 13, 3),
    ICH("ICH_LR12_EL2", 13, 4), ICH("ICH_LR13_EL2", 13, 5), ICH("ICH_LR14_EL2", 13, 6), ICH("ICH_LR15_EL2", 13, 7),
    GIC("ICC_CTLR_EL3", 6, 12, 12, 4, 3, 3), GIC("ICC_SRE_EL3", 6, 12, 12, 5, 3, 3),
    GIC("ICC_IGRPEN1_EL3", 6, 12, 12, 7, 3, 3),
};
const unsigned arm_gic_n_regs = ARRAY_LEN(arm_gic_regs);

/*
 * The Security state decides whether an interrupt group is an IRQ or FIQ, and which memory there is. TLB entries of the
 * levels below EL3 were dropped by the change of SCR_EL3.NS; EL3 is always Secure.
 */
void arm_security_changed(ArmEnv *env)
{
    const CpuIntcOps *intc = env->cpu->intc;

    cpu_use_secure_memory(env->cpu, arm_secure(env));
    if (intc && intc->state_changed) {
        intc->state_changed(env->cpu->intc_opaque);
    }
}
