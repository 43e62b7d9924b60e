/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bits of system registers, by the names of the Arm ARM (D17, D19; G8 for AArch32).
 */
#ifndef TARGET_ARM_REGS_H
#define TARGET_ARM_REGS_H

#include "base/bits.h"
#include "target/arm/fp.h"

/* SCTLR_ELx; bits that AArch32's SCTLR has too are at the same places. */
#define SCTLR_M BIT64(0)
#define SCTLR_A BIT64(1)
#define SCTLR_C BIT64(2)
#define SCTLR_SA BIT64(3)
#define SCTLR_SA0 BIT64(4)
#define SCTLR_CP15BEN BIT64(5)
#define SCTLR_nAA BIT64(6)
#define SCTLR_ITD BIT64(7)
#define SCTLR_SED BIT64(8)
#define SCTLR_UMA BIT64(9)
#define SCTLR_EnRCTX BIT64(10)
#define SCTLR_EOS BIT64(11)
#define SCTLR_I BIT64(12)
#define SCTLR_V BIT64(13) /* AArch32: high vectors */
#define SCTLR_EnDB BIT64(13)
#define SCTLR_DZE BIT64(14)
#define SCTLR_UCT BIT64(15)
#define SCTLR_nTWI BIT64(16)
#define SCTLR_nTWE BIT64(18)
#define SCTLR_WXN BIT64(19)
#define SCTLR_UWXN BIT64(20) /* AArch32 */
#define SCTLR_TSCXT BIT64(20)
#define SCTLR_IESB BIT64(21)
#define SCTLR_EIS BIT64(22)
#define SCTLR_SPAN BIT64(23)
#define SCTLR_E0E BIT64(24)
#define SCTLR_EE BIT64(25)
#define SCTLR_UCI BIT64(26)
#define SCTLR_EnDA BIT64(27)
#define SCTLR_TRE BIT64(28) /* AArch32 */
#define SCTLR_AFE BIT64(29) /* AArch32 */
#define SCTLR_EnIB BIT64(30)
#define SCTLR_TE BIT64(30)  /* AArch32: exceptions are taken in T32 */
#define SCTLR_EnIA BIT64(31)
#define SCTLR_DSSBS_A32 BIT64(31)
#define SCTLR_BT0 BIT64(35)
#define SCTLR_BT1 BIT64(36)
#define SCTLR_ITFSB BIT64(37)
#define SCTLR_TCF0_SHIFT 38
#define SCTLR_TCF_SHIFT 40
#define SCTLR_ATA0 BIT64(42)
#define SCTLR_ATA BIT64(43)
#define SCTLR_DSSBS BIT64(44)
#define SCTLR_EPAN BIT64(57)

#define HCR_VM BIT64(0)
#define HCR_SWIO BIT64(1)
#define HCR_PTW BIT64(2)
#define HCR_FMO BIT64(3)
#define HCR_IMO BIT64(4)
#define HCR_AMO BIT64(5)
#define HCR_VF BIT64(6)
#define HCR_VI BIT64(7)
#define HCR_VSE BIT64(8)
#define HCR_FB BIT64(9)
#define HCR_BSU (3ull << 10)
#define HCR_DC BIT64(12)
#define HCR_TWI BIT64(13)
#define HCR_TWE BIT64(14)
#define HCR_TID0 BIT64(15)
#define HCR_TID1 BIT64(16)
#define HCR_TID2 BIT64(17)
#define HCR_TID3 BIT64(18)
#define HCR_TSC BIT64(19)
#define HCR_TIDCP BIT64(20)
#define HCR_TACR BIT64(21)
#define HCR_TSW BIT64(22)
#define HCR_TPCP BIT64(23)
#define HCR_TPU BIT64(24)
#define HCR_TTLB BIT64(25)
#define HCR_TVM BIT64(26)
#define HCR_TGE BIT64(27)
#define HCR_TDZ BIT64(28)
#define HCR_HCD BIT64(29)
#define HCR_TRVM BIT64(30)
#define HCR_RW BIT64(31)
#define HCR_CD BIT64(32)
#define HCR_ID BIT64(33)
#define HCR_E2H BIT64(34)
#define HCR_TLOR BIT64(35)
#define HCR_TERR BIT64(36)
#define HCR_TEA BIT64(37)
#define HCR_MIOCNCE BIT64(38)
#define HCR_APK BIT64(40)
#define HCR_API BIT64(41)
#define HCR_NV BIT64(42)
#define HCR_NV1 BIT64(43)
#define HCR_AT BIT64(44)
#define HCR_NV2 BIT64(45)
#define HCR_FWB BIT64(46)
#define HCR_FIEN BIT64(47)
#define HCR_TID4 BIT64(49)
#define HCR_TICAB BIT64(50)
#define HCR_TOCU BIT64(52)
#define HCR_EnSCXT BIT64(53)
#define HCR_TTLBIS BIT64(54)
#define HCR_TTLBOS BIT64(55)
#define HCR_ATA BIT64(56)
#define HCR_DCT BIT64(57)
#define HCR_TID5 BIT64(58)

#define SCR_NS BIT64(0)
#define SCR_IRQ BIT64(1)
#define SCR_FIQ BIT64(2)
#define SCR_EA BIT64(3)
#define SCR_FW BIT64(4)  /* AArch32 */
#define SCR_AW BIT64(5)  /* AArch32 */
#define SCR_SMD BIT64(7)
#define SCR_HCE BIT64(8)
#define SCR_SIF BIT64(9)
#define SCR_RW BIT64(10)
#define SCR_ST BIT64(11)
#define SCR_TWI BIT64(12)
#define SCR_TWE BIT64(13)
#define SCR_TLOR BIT64(14)
#define SCR_TERR BIT64(15)
#define SCR_APK BIT64(16)
#define SCR_API BIT64(17)
#define SCR_EEL2 BIT64(18)
#define SCR_EASE BIT64(19)
#define SCR_NMEA BIT64(20)
#define SCR_FIEN BIT64(21)
#define SCR_EnSCXT BIT64(25)
#define SCR_ATA BIT64(26)
#define SCR_ECVEn BIT64(28)
#define SCR_HXEn BIT64(38)

#define CPACR_ZEN_SHIFT 16
#define CPACR_FPEN_SHIFT 20
#define CPACR_TTA BIT64(28)
#define CPTR_TZ BIT64(8)     /* CPTR_EL2 without E2H */
#define CPTR3_EZ BIT64(8)    /* CPTR_EL3 */
#define CPTR_TFP BIT64(10)
#define HCPTR_TASE BIT64(15)      /* CPTR_EL2 where EL2 is AArch32 */
#define CPACR_ASEDIS BIT64(31)    /* of AArch32 */
#define NSACR_NSASEDIS BIT64(15)
#define CPTR_TTA BIT64(20)
#define CPTR_TTA_E2H BIT64(28)
#define CPTR_TAM BIT64(30)
#define CPTR_TCPAC BIT64(31)

#define MDSCR_SS BIT64(0)
#define MDSCR_TDCC BIT64(12)
#define MDSCR_KDE BIT64(13)
#define MDSCR_MDE BIT64(15)

#define MDCR_HPMN 0x1full     /* MDCR_EL2 */
#define MDCR_TPMCR BIT64(5)
#define MDCR_TPM BIT64(6)     /* MDCR_EL3 too */
#define MDCR_HPME BIT64(7)
#define MDCR_TDE BIT64(8)
#define MDCR_TDA BIT64(9)     /* MDCR_EL3 too */
#define MDCR_TDOSA BIT64(10)  /* MDCR_EL3 too */
#define MDCR_TDRA BIT64(11)
#define MDCR_HPMD BIT64(17)
#define MDCR_HCCD BIT64(23)
#define MDCR_HLP BIT64(26)
#define MDCR3_SPME BIT64(17)
#define MDCR3_SDD BIT64(16)
#define MDCR3_SCCD BIT64(23)

#define TCR_TBI0 BIT64(37)
#define TCR_TBI1 BIT64(38)
#define TCR_TBID0 BIT64(51)
#define TCR_TBID1 BIT64(52)
#define TCR_TCMA0 BIT64(57)
#define TCR_TCMA_EL2 BIT64(30) /* TCR_EL2 without E2H, TCR_EL3 */
#define GCR_RRND BIT64(16)
#define TCR_TBI_EL2 BIT64(20)  /* TCR_EL2 without E2H, TCR_EL3 */
#define TCR_TBID_EL2 BIT64(29)

/* FPCR and FPSR: fp.h has the rest. */
#define FPCR_FIZ BIT32(0)
#define FPCR_AH BIT32(1)
#define FPCR_NEP BIT32(2)
#define FPCR_LEN_SHIFT 16      /* AArch32 short vectors */
#define FPCR_STRIDE_SHIFT 20
#define FPEXC_EN BIT64(30)

#define CNTHCTL_EL1PCTEN BIT64(0) /* without E2H */
#define CNTHCTL_EL1PCEN BIT64(1)
#define CNTKCTL_EL0PCTEN BIT64(0) /* CNTHCTL_EL2 with E2H too */
#define CNTKCTL_EL0VCTEN BIT64(1)
#define CNTKCTL_EL0VTEN BIT64(8)
#define CNTKCTL_EL0PTEN BIT64(9)
#define CNTHCTL_E2H_EL1PCTEN BIT64(10)
#define CNTHCTL_E2H_EL1PTEN BIT64(11)
#define CNTHCTL_ECV BIT64(12)
#define CNTHCTL_EL1TVT BIT64(13)
#define CNTHCTL_EL1TVCT BIT64(14)

#endif
