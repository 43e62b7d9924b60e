/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floating point exactly as the Arm ARM's pseudocode has it (DDI 0487, J1.3 shared/functions/float), by integer
 * arithmetic alone: no host floating point, so callable from helpers of any kind and with any MXCSR.
 *
 * Values are bit patterns in the low bits of a uint64_t; what lies above the format's width is ignored in operands and
 * zero in results. A format's number is log2 of its bytes, which is an instruction's element size. Cumulative flags are
 * collected in FpStatus.flags; fp_begin() and fp_end() connect that to FPCR and FPSR.
 *
 * Alternate floating point (FEAT_AFP: FPCR.AH, FIZ, NEP) is not implemented, nor are trapped exceptions (FPCR.IOE ...):
 * an implementation may have neither.
 */
#ifndef TARGET_ARM_FP_H
#define TARGET_ARM_FP_H

#include <stdbool.h>
#include <stdint.h>

typedef enum FpFmt { FP_BF = 0, FP_H = 1, FP_S = 2, FP_D = 3 } FpFmt;

/* FPCR.RMode's encoding, and those that only instructions name. */
typedef enum FpRound {
    FP_RN, /* to nearest, ties to even */
    FP_RP, /* towards plus infinity */
    FP_RM, /* towards minus infinity */
    FP_RZ, /* towards zero */
    FP_RA, /* to nearest, ties away */
    FP_RO, /* to odd (FCVTXN, BFDOT) */
} FpRound;

/* FPSR. */
#define FPSR_IOC 0x01u
#define FPSR_DZC 0x02u
#define FPSR_OFC 0x04u
#define FPSR_UFC 0x08u
#define FPSR_IXC 0x10u
#define FPSR_IDC 0x80u
#define FPSR_QC (1u << 27)
/* FPCR. */
#define FPCR_FZ16 (1u << 19)
#define FPCR_RMODE_SHIFT 22 /* 2 bits: FpRound */
#define FPCR_FZ (1u << 24)
#define FPCR_DN (1u << 25)
#define FPCR_AHP (1u << 26)

typedef struct FpStatus {
    uint8_t rm;    /* FpRound */
    bool fz, fz16; /* denormals are zero: single and double; half in arithmetic */
    bool dn;       /* NaN results are the default NaN */
    bool ahp;      /* half precision in conversions is the alternative format (no infinities, no NaNs) */
    uint32_t flags; /* FPSR_IOC..IDC raised so far */
} FpStatus;

FpStatus fp_begin(uint32_t fpcr);
/* AArch32 Advanced SIMD: the "standard FPSCR value" (flush to zero, default NaN, to nearest), FZ16 and AHP as set. */
FpStatus fp_begin_standard(uint32_t fpscr);
/* Cumulative flags into FPSR. */
static inline void fp_end(const FpStatus *st, uint32_t *fpsr)
{
    *fpsr |= st->flags;
}

static inline uint64_t fp_sign_bit(FpFmt f)
{
    return f == FP_D ? 1ull << 63 : f == FP_S ? 1ull << 31 : 1ull << 15;
}
static inline uint64_t fp_neg(FpFmt f, uint64_t a) /* no flags, NaNs too */
{
    return (a & (fp_sign_bit(f) * 2 - 1)) ^ fp_sign_bit(f);
}
static inline uint64_t fp_abs(FpFmt f, uint64_t a)
{
    return a & (fp_sign_bit(f) - 1);
}
uint64_t fp_default_nan(FpFmt f);
bool fp_is_nan(FpFmt f, uint64_t a);
bool fp_is_snan(FpFmt f, uint64_t a);
/* The constant of an 8-bit immediate (VFPExpandImm). */
uint64_t fp_expand_imm(FpFmt f, uint8_t imm8);

/* ---- arithmetic, FPAdd and so on; f is FP_H, FP_S or FP_D ---- */
uint64_t fp_add(FpStatus *st, FpFmt f, uint64_t a, uint64_t b);
uint64_t fp_sub(FpStatus *st, FpFmt f, uint64_t a, uint64_t b);
uint64_t fp_mul(FpStatus *st, FpFmt f, uint64_t a, uint64_t b);
uint64_t fp_mulx(FpStatus *st, FpFmt f, uint64_t a, uint64_t b); /* FMULX: 0 times infinity is 2 */
uint64_t fp_div(FpStatus *st, FpFmt f, uint64_t a, uint64_t b);
uint64_t fp_sqrt(FpStatus *st, FpFmt f, uint64_t a);
/* FPMulAdd: addend + a * b, rounded once. Operands are negated with fp_neg() before, as the instructions have it. */
uint64_t fp_muladd(FpStatus *st, FpFmt f, uint64_t addend, uint64_t a, uint64_t b);
/* FPMulAddH: single addend + a * b of halves (FMLAL). */
uint64_t fp_muladd_h(FpStatus *st, uint64_t addend, uint64_t a, uint64_t b);
uint64_t fp_max(FpStatus *st, FpFmt f, uint64_t a, uint64_t b);
uint64_t fp_min(FpStatus *st, FpFmt f, uint64_t a, uint64_t b);
uint64_t fp_maxnm(FpStatus *st, FpFmt f, uint64_t a, uint64_t b); /* a quiet NaN loses */
uint64_t fp_minnm(FpStatus *st, FpFmt f, uint64_t a, uint64_t b);

/* ---- comparison ---- */
enum { FP_LESS = 8, FP_EQUAL = 6, FP_GREATER = 2, FP_UNORDERED = 3 }; /* NZCV in four bits */
int fp_compare(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, bool signal_all); /* FCMP, FCMPE: one of these */
bool fp_eq(FpStatus *st, FpFmt f, uint64_t a, uint64_t b); /* FCMEQ: quiet NaNs are silent */
bool fp_ge(FpStatus *st, FpFmt f, uint64_t a, uint64_t b); /* FCMGE, FCMGT: they are not */
bool fp_gt(FpStatus *st, FpFmt f, uint64_t a, uint64_t b);

/* ---- estimates and steps ---- */
uint64_t fp_recpe(FpStatus *st, FpFmt f, uint64_t a);
uint64_t fp_rsqrte(FpStatus *st, FpFmt f, uint64_t a);
uint64_t fp_recpx(FpStatus *st, FpFmt f, uint64_t a);
uint64_t fp_recps(FpStatus *st, FpFmt f, uint64_t a, uint64_t b);  /* 2 - a * b, rounded once; AArch64 */
uint64_t fp_rsqrts(FpStatus *st, FpFmt f, uint64_t a, uint64_t b); /* (3 - a * b) / 2 */
/* AArch32 VRECPS and VRSQRTS round the product first. */
uint64_t fp_recps_a32(FpStatus *st, FpFmt f, uint64_t a, uint64_t b);
uint64_t fp_rsqrts_a32(FpStatus *st, FpFmt f, uint64_t a, uint64_t b);
uint32_t fp_recpe_u32(uint32_t a);  /* URECPE, URSQRTE */
uint32_t fp_rsqrte_u32(uint32_t a);

/* ---- conversion ---- */
/* FPConvert between BF (as destination: BFCVT), H, S and D; halves obey AHP. rm: FP_RO for FCVTXN, else st->rm. */
uint64_t fp_convert(FpStatus *st, FpFmt to, FpFmt from, uint64_t a, FpRound rm);
/* FPRoundInt; exact: FRINTX, which raises Inexact. */
uint64_t fp_round_int(FpStatus *st, FpFmt f, uint64_t a, FpRound rm, bool exact);
/* FPRoundIntN: FRINT32Z and so on, bits is 32 or 64. */
uint64_t fp_round_int_n(FpStatus *st, FpFmt f, uint64_t a, FpRound rm, unsigned bits);
/* FPToFixed: a times 2^fbits as an integer of `bits` (16, 32, 64) that saturates; in the low bits of the result. */
uint64_t fp_to_fixed(FpStatus *st, FpFmt f, uint64_t a, unsigned fbits, bool is_unsigned, FpRound rm, unsigned bits);
/* FixedToFP: the low `bits` of v times 2^-fbits. */
uint64_t fp_from_fixed(FpStatus *st, FpFmt f, uint64_t v, unsigned fbits, bool is_unsigned, FpRound rm, unsigned bits);
/* FPToFixedJS: modulo 2^32 towards zero; *z: PSTATE.Z, the conversion was exact. */
uint32_t fp_to_js(FpStatus *st, uint64_t a, bool *z);

/* ---- BFloat16; FPCR.EBF = 0: results rounded to odd, denormals flushed, no flags ---- */
/* BFDotAdd: single sum + a[0] * b[0] + a[1] * b[1] of the pairs of bfloat16 in a and b. */
uint32_t fp_bfdot(uint32_t sum, uint32_t a, uint32_t b);
/* BFMLALB, BFMLALT: single addend + a * b by ordinary rules. */
uint32_t fp_bfmuladd(FpStatus *st, uint32_t addend, uint16_t a, uint16_t b);

/* ---- SVE ---- */
uint64_t fp_scale(FpStatus *st, FpFmt f, uint64_t a, int64_t exponent); /* FSCALE */
int64_t fp_logb(FpStatus *st, FpFmt f, uint64_t a);                     /* FLOGB */
uint64_t fp_trig_smul(FpStatus *st, FpFmt f, uint64_t a, uint64_t b);   /* FTSMUL */
uint64_t fp_trig_ssel(FpFmt f, uint64_t a, uint64_t b);                 /* FTSSEL */
uint64_t fp_trig_madd(FpStatus *st, FpFmt f, unsigned n, uint64_t a, uint64_t b); /* FTMAD */
uint64_t fp_exp_a(FpFmt f, uint64_t a);                                 /* FEXPA */

#endif
