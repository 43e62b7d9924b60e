/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x86 registers as gdb knows them (core/gdb.h; gdb's manual, G.5.5 "i386 Features").
 *
 * The description is always that of x86-64, as QEMU's: gdb cannot change architectures with the processor's mode.
 * Addresses in gdb are linear ones while rip has no segment base, so in real mode they agree where CS is 0.
 *
 * Thread: the vCPU's own.
 */
#include "core/gdb.h"

#include <string.h>

#include "base/bits.h"
#include "target/i386/system.h"

#define CORE_GPRS 16
#define FX_TAG_EMPTY 3
#define MXCSR_BITS 0xffffu
#define RFLAGS_BITS 0x3f7fd5u /* those that are defined, SDM vol 1, 3.4.3 */

static X86State *state_of(Cpu *cpu)
{
    return cpu->state;
}

/* ---- core ---- */

static const char core_types[] =
    "<flags id=\"i386_eflags\" size=\"4\">"
#define FLAG(name, bit) "<field name=\"" name "\" start=\"" #bit "\" end=\"" #bit "\"/>"
    FLAG("CF", 0) FLAG("", 1) FLAG("PF", 2) FLAG("AF", 4) FLAG("ZF", 6) FLAG("SF", 7) FLAG("TF", 8) FLAG("IF", 9)
    FLAG("DF", 10) FLAG("OF", 11) FLAG("NT", 14) FLAG("RF", 16) FLAG("VM", 17) FLAG("AC", 18) FLAG("VIF", 19)
    FLAG("VIP", 20) FLAG("ID", 21) "</flags>";

enum { CORE_RIP = 16, CORE_EFLAGS, CORE_SEG, CORE_ST = CORE_SEG + 6, CORE_X87 = CORE_ST + 8, CORE_COUNT = CORE_X87 + 8 };
enum { X87_FCTRL, X87_FSTAT, X87_FTAG, X87_FISEG, X87_FIOFF, X87_FOSEG, X87_FOOFF, X87_FOP };

static const char *const core_names[CORE_COUNT] = {
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    "rip", "eflags", "cs", "ss", "ds", "es", "fs", "gs", "st0", "st1", "st2", "st3", "st4", "st5", "st6", "st7",
    "fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop",
};
static const uint8_t gpr_of[CORE_GPRS] = {R_AX, R_BX, R_CX, R_DX, R_SI, R_DI, R_BP, R_SP, 8, 9, 10, 11, 12, 13, 14, 15};
static const uint8_t seg_of[6] = {S_CS, S_SS, S_DS, S_ES, S_FS, S_GS};

static unsigned core_count(Cpu *cpu)
{
    return CORE_COUNT;
}

static GdbReg core_reg(Cpu *cpu, unsigned n)
{
    if (n < CORE_RIP) {
        return (GdbReg){core_names[n], 64, n == 6 || n == 7 ? "data_ptr" : "int64", NULL};
    }
    if (n == CORE_RIP) {
        return (GdbReg){core_names[n], 64, "code_ptr", NULL};
    }
    if (n >= CORE_ST && n < CORE_X87) {
        return (GdbReg){core_names[n], 80, "i387_ext", NULL};
    }
    return (GdbReg){core_names[n], 32, n == CORE_EFLAGS ? "i386_eflags" : "int", n >= CORE_X87 ? "float" : NULL};
}

/* The tag word of FSAVE out of FXSAVE's (SDM vol 1, 10.5.1.1): by physical register, two bits each. */
static uint32_t full_tags(const X86Fxsave *fx)
{
    unsigned top = fx->fsw >> 11 & 7;
    uint32_t tags = 0;

    for (unsigned i = 0; i < 8; i++) {
        const uint8_t *st = fx->st[(i - top) & 7];
        unsigned exponent = ld_le16(st + 8) & 0x7fff;
        uint64_t mantissa = ld_le64(st);
        unsigned tag = exponent == 0 && mantissa == 0 ? 1 : exponent && exponent != 0x7fff && mantissa >> 63 ? 0 : 2;
        tags |= (fx->ftw >> i & 1 ? tag : FX_TAG_EMPTY) << 2 * i;
    }
    return tags;
}

static uint32_t x87_get(const X86State *s, unsigned n)
{
    switch (n) {
    case X87_FCTRL:
        return s->fx.fcw;
    case X87_FSTAT:
        return s->fx.fsw;
    case X87_FTAG:
        return full_tags(&s->fx);
    case X87_FISEG:
        return s->x87_cs;
    case X87_FIOFF:
        return (uint32_t)s->fx.fip;
    case X87_FOSEG:
        return s->x87_ds;
    case X87_FOOFF:
        return (uint32_t)s->fx.fdp;
    default:
        return s->fx.fop;
    }
}

static void x87_set(X86State *s, unsigned n, uint32_t v)
{
    switch (n) {
    case X87_FCTRL:
        s->fx.fcw = (uint16_t)v;
        break;
    case X87_FSTAT:
        s->fx.fsw = (uint16_t)v;
        break;
    case X87_FTAG:
        s->fx.ftw = 0;
        for (unsigned i = 0; i < 8; i++) {
            s->fx.ftw |= (v >> 2 * i & 3) != FX_TAG_EMPTY ? 1u << i : 0;
        }
        break;
    case X87_FISEG:
        s->x87_cs = (uint16_t)v;
        break;
    case X87_FIOFF:
        s->fx.fip = (s->fx.fip & ~(uint64_t)UINT32_MAX) | v;
        break;
    case X87_FOSEG:
        s->x87_ds = (uint16_t)v;
        break;
    case X87_FOOFF:
        s->fx.fdp = (s->fx.fdp & ~(uint64_t)UINT32_MAX) | v;
        break;
    case X87_FOP:
        s->fx.fop = v & 0x7ff;
        break;
    }
}

static void core_get(Cpu *cpu, unsigned n, uint8_t *buf)
{
    X86State *s = state_of(cpu);

    if (n < CORE_RIP) {
        st_le64(buf, s->gpr[gpr_of[n]]);
    } else if (n == CORE_RIP) {
        st_le64(buf, s->rip);
    } else if (n == CORE_EFLAGS) {
        st_le32(buf, (uint32_t)s->rflags);
    } else if (n < CORE_ST) {
        st_le32(buf, s->seg[seg_of[n - CORE_SEG]].sel);
    } else if (n < CORE_X87) {
        memcpy(buf, s->fx.st[n - CORE_ST], 10);
    } else {
        st_le32(buf, x87_get(s, n - CORE_X87));
    }
}

/* In protected mode a selector's descriptor would have to be loaded with it: only the guest does that. */
static bool set_segment(X86State *s, X86Seg *seg, uint32_t sel)
{
    bool real = !(s->cr0 & CR0_PE) || (s->rflags & FLAG_VM);

    if (sel == seg->sel) {
        return true;
    }
    if (!real || sel > UINT16_MAX) {
        return false;
    }
    seg->sel = (uint16_t)sel;
    seg->base = (uint64_t)sel << 4;
    return true;
}

static bool core_set(Cpu *cpu, unsigned n, const uint8_t *buf)
{
    X86State *s = state_of(cpu);

    if (n < CORE_RIP) {
        s->gpr[gpr_of[n]] = ld_le64(buf);
    } else if (n == CORE_RIP) {
        s->rip = ld_le64(buf);
    } else if (n == CORE_EFLAGS) {
        s->rflags = (ld_le32(buf) & RFLAGS_BITS & ~(uint32_t)FLAG_VM) | (s->rflags & FLAG_VM) | 2;
    } else if (n < CORE_ST) {
        return set_segment(s, &s->seg[seg_of[n - CORE_SEG]], ld_le32(buf));
    } else if (n < CORE_X87) {
        memcpy(s->fx.st[n - CORE_ST], buf, 10);
    } else {
        x87_set(s, n - CORE_X87, ld_le32(buf));
    }
    return true;
}

static const GdbFeature core_feature = {"org.gnu.gdb.i386.core", core_types, core_count, core_reg, core_get, core_set};

/* ---- SSE, AVX ---- */

static const char sse_types[] =
    "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/><vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
    "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/><vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
    "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/><vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
    "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/>"
    "<field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>"
    "<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>"
    "<field name=\"uint128\" type=\"uint128\"/></union>"
    "<flags id=\"i386_mxcsr\" size=\"4\">" FLAG("IE", 0) FLAG("DE", 1) FLAG("ZE", 2) FLAG("OE", 3) FLAG("UE", 4)
    FLAG("PE", 5) FLAG("DAZ", 6) FLAG("IM", 7) FLAG("DM", 8) FLAG("ZM", 9) FLAG("OM", 10) FLAG("UM", 11) FLAG("PM", 12)
    FLAG("FZ", 15) "</flags>";
static const char *const sse_names[] = {
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
    "xmm14", "xmm15", "mxcsr",
};
#define SSE_MXCSR 16

static unsigned sse_count(Cpu *cpu)
{
    return ARRAY_LEN(sse_names);
}

static GdbReg sse_reg(Cpu *cpu, unsigned n)
{
    return n == SSE_MXCSR ? (GdbReg){"mxcsr", 32, "i386_mxcsr", "vector"} : (GdbReg){sse_names[n], 128, "vec128", NULL};
}

static void sse_get(Cpu *cpu, unsigned n, uint8_t *buf)
{
    if (n == SSE_MXCSR) {
        st_le32(buf, state_of(cpu)->fx.mxcsr);
    } else {
        memcpy(buf, state_of(cpu)->fx.xmm[n], 16);
    }
}

static bool sse_set(Cpu *cpu, unsigned n, const uint8_t *buf)
{
    if (n != SSE_MXCSR) {
        memcpy(state_of(cpu)->fx.xmm[n], buf, 16);
        return true;
    }
    state_of(cpu)->fx.mxcsr = ld_le32(buf) & MXCSR_BITS; /* others fault where they are loaded */
    return true;
}

static const GdbFeature sse_feature = {"org.gnu.gdb.i386.sse", sse_types, sse_count, sse_reg, sse_get, sse_set};

static const char *const avx_names[16] = {
    "ymm0h", "ymm1h", "ymm2h", "ymm3h", "ymm4h", "ymm5h", "ymm6h", "ymm7h", "ymm8h", "ymm9h", "ymm10h", "ymm11h",
    "ymm12h", "ymm13h", "ymm14h", "ymm15h",
};

static unsigned avx_count(Cpu *cpu)
{
    return x86_has(&x86_cpu(cpu)->config, F_AVX) ? 16 : 0;
}

static GdbReg avx_reg(Cpu *cpu, unsigned n)
{
    return (GdbReg){avx_names[n], 128, "uint128", NULL};
}

static void avx_get(Cpu *cpu, unsigned n, uint8_t *buf)
{
    memcpy(buf, &state_of(cpu)->ymmh[2 * n], 16);
}

static bool avx_set(Cpu *cpu, unsigned n, const uint8_t *buf)
{
    memcpy(&state_of(cpu)->ymmh[2 * n], buf, 16);
    return true;
}

static const GdbFeature avx_feature = {"org.gnu.gdb.i386.avx", NULL, avx_count, avx_reg, avx_get, avx_set};

/* ---- segment bases and control registers: 64 bits each ---- */

typedef struct SysReg {
    const char *name;
    uint32_t offset;
    bool fixed; /* a change has more consequences than a debugger should cause */
} SysReg;

static const SysReg bases[] = {
    {"fs_base", offsetof(X86State, seg[S_FS].base), false},
    {"gs_base", offsetof(X86State, seg[S_GS].base), false},
};
#define CR8 0
static const SysReg control[] = {
    {"cr8", CR8, false}, /* the local APIC's */
    {"k_gs_base", offsetof(X86State, kernel_gs_base), false},
    {"cr0", offsetof(X86State, cr0), true},
    {"cr2", offsetof(X86State, cr2), false},
    {"cr3", offsetof(X86State, cr3), true},
    {"cr4", offsetof(X86State, cr4), true},
    {"efer", offsetof(X86State, efer), true},
};

static uint64_t *sys_field(Cpu *cpu, const SysReg *r)
{
    return (uint64_t *)((char *)cpu->state + r->offset);
}

static bool sys_set(Cpu *cpu, const SysReg *r, const uint8_t *buf)
{
    uint64_t v = ld_le64(buf), *field = sys_field(cpu, r);

    if (r->fixed) {
        return v == *field;
    }
    *field = v;
    return true;
}

static unsigned bases_count(Cpu *cpu)
{
    return ARRAY_LEN(bases);
}

static GdbReg bases_reg(Cpu *cpu, unsigned n)
{
    return (GdbReg){bases[n].name, 64, "int", NULL};
}

static void bases_get(Cpu *cpu, unsigned n, uint8_t *buf)
{
    st_le64(buf, *sys_field(cpu, &bases[n]));
}

static bool bases_set(Cpu *cpu, unsigned n, const uint8_t *buf)
{
    return sys_set(cpu, &bases[n], buf);
}

static const GdbFeature bases_feature = {"org.gnu.gdb.i386.segments", NULL, bases_count, bases_reg, bases_get, bases_set};

static unsigned control_count(Cpu *cpu)
{
    return ARRAY_LEN(control);
}

static GdbReg control_reg(Cpu *cpu, unsigned n)
{
    return (GdbReg){control[n].name, 64, "int64", "system"};
}

static void control_get(Cpu *cpu, unsigned n, uint8_t *buf)
{
    uint64_t v = 0;

    if (n == CR8) {
        if (cpu->intc && cpu->intc->sysreg_read) {
            cpu->intc->sysreg_read(cpu->intc_opaque, X86_INTC_CR8, &v);
        }
    } else {
        v = *sys_field(cpu, &control[n]);
    }
    st_le64(buf, v);
}

static bool control_set(Cpu *cpu, unsigned n, const uint8_t *buf)
{
    if (n != CR8) {
        return sys_set(cpu, &control[n], buf);
    }
    return ld_le64(buf) <= 15 && cpu->intc && cpu->intc->sysreg_write &&
           cpu->intc->sysreg_write(cpu->intc_opaque, X86_INTC_CR8, ld_le64(buf));
}

static const GdbFeature control_feature = {
    "org.rhea.gdb.i386.control", NULL, control_count, control_reg, control_get, control_set};

/* ---- the target ---- */

static const char *architecture(Cpu *cpu)
{
    return "i386:x86-64";
}

static const GdbFeature *const features[] = {&core_feature, &sse_feature, &bases_feature, &avx_feature, &control_feature, NULL};

const GdbTarget x86_gdb = {architecture, features};
