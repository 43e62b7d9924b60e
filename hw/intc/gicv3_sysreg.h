/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Encodings of the GIC's system registers (IHI 0069H, 12.2 to 12.4), as CpuIntcOps gets them: op0 op1 CRn CRm op2 in 16
 * bits, as in bits 20:5 of MRS and MSR.
 */
#ifndef HW_INTC_GICV3_SYSREG_H
#define HW_INTC_GICV3_SYSREG_H

#define GIC_SYSREG(op1, crn, crm, op2) (3u << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

enum {
    ICC_PMR = GIC_SYSREG(0, 4, 6, 0),
    ICC_IAR0 = GIC_SYSREG(0, 12, 8, 0),
    ICC_EOIR0 = GIC_SYSREG(0, 12, 8, 1),
    ICC_HPPIR0 = GIC_SYSREG(0, 12, 8, 2),
    ICC_BPR0 = GIC_SYSREG(0, 12, 8, 3),
    ICC_AP0R0 = GIC_SYSREG(0, 12, 8, 4), /* of four: 5 bits of priority need one */
    ICC_AP1R0 = GIC_SYSREG(0, 12, 9, 0),
    ICC_DIR = GIC_SYSREG(0, 12, 11, 1),
    ICC_RPR = GIC_SYSREG(0, 12, 11, 3),
    ICC_SGI1R = GIC_SYSREG(0, 12, 11, 5),
    ICC_ASGI1R = GIC_SYSREG(0, 12, 11, 6),
    ICC_SGI0R = GIC_SYSREG(0, 12, 11, 7),
    ICC_IAR1 = GIC_SYSREG(0, 12, 12, 0),
    ICC_EOIR1 = GIC_SYSREG(0, 12, 12, 1),
    ICC_HPPIR1 = GIC_SYSREG(0, 12, 12, 2),
    ICC_BPR1 = GIC_SYSREG(0, 12, 12, 3),
    ICC_CTLR_EL1 = GIC_SYSREG(0, 12, 12, 4),
    ICC_SRE_EL1 = GIC_SYSREG(0, 12, 12, 5),
    ICC_IGRPEN0 = GIC_SYSREG(0, 12, 12, 6),
    ICC_IGRPEN1 = GIC_SYSREG(0, 12, 12, 7),
    ICC_SRE_EL2 = GIC_SYSREG(4, 12, 9, 5),
    ICC_CTLR_EL3 = GIC_SYSREG(6, 12, 12, 4),
    ICC_SRE_EL3 = GIC_SYSREG(6, 12, 12, 5),
    ICC_IGRPEN1_EL3 = GIC_SYSREG(6, 12, 12, 7),
    ICH_AP0R0 = GIC_SYSREG(4, 12, 8, 0),
    ICH_AP1R0 = GIC_SYSREG(4, 12, 9, 0),
    ICH_HCR = GIC_SYSREG(4, 12, 11, 0),
    ICH_VTR = GIC_SYSREG(4, 12, 11, 1),
    ICH_MISR = GIC_SYSREG(4, 12, 11, 2),
    ICH_EISR = GIC_SYSREG(4, 12, 11, 3),
    ICH_ELRSR = GIC_SYSREG(4, 12, 11, 5),
    ICH_VMCR = GIC_SYSREG(4, 12, 11, 7),
    ICH_LR0 = GIC_SYSREG(4, 12, 12, 0),
};

#endif
