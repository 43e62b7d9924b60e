/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm registers as gdb knows them (core/gdb.h; gdb's manual, G.5.1 "AArch64 Features", G.5.3 "ARM Features").
 *
 * Processors that have AArch64 are described as such whatever state they are in, as in QEMU; then R0..R14 of AArch32
 * are x0..x14.
 *
 * Thread: the vCPU's own.
 */
#include "core/gdb.h"

#include <string.h>

#include "base/bits.h"
#include "target/arm/regs.h"
#include "target/arm/state.h"
#include "target/arm/system.h"

/* What a debugger may change of PSTATE: what needs no other bank of registers and no other state. */
#define PSTATE_FREE (PSTATE_NZCV | PSTATE_D | PSTATE_A | PSTATE_I | PSTATE_F)
#define CPSR_FREE (PSTATE_NZCV | CPSR_Q | 0xfu << CPSR_GE_SHIFT | CPSR_A | CPSR_I | CPSR_F | CPSR_T)
#define FPSR_BITS (PSTATE_NZCV | FPSR_QC | FPSR_IDC | FPSR_IXC | FPSR_UFC | FPSR_OFC | FPSR_DZC | FPSR_IOC)

static ArmState *state_of(Cpu *cpu)
{
    return cpu->state;
}

static const ArmCpuConfig *config_of(Cpu *cpu)
{
    return &arm_cpu(cpu)->config;
}

static bool is_a64(Cpu *cpu)
{
    return config_of(cpu)->aarch64;
}

static const char *const x_names[] = {
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
    "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30", "sp", "pc", "cpsr",
};
enum { X_SP = 31, X_PC, X_CPSR };
static const char *const r_names[] = {
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "sp", "lr", "pc", "cpsr",
};
enum { R_SP = 13, R_PC = 15, R_CPSR };

/* ---- status ---- */

static uint32_t status(Cpu *cpu)
{
    uint32_t p = state_of(cpu)->pstate;

    return p & PSTATE_NRW ? arm_pstate_to_cpsr(p) : p;
}

static bool set_status(Cpu *cpu, uint32_t v)
{
    ArmState *s = state_of(cpu);
    bool a32 = s->pstate & PSTATE_NRW;
    uint32_t old = status(cpu), free = a32 ? CPSR_FREE : PSTATE_FREE;

    if ((v ^ old) & ~free) {
        return false;
    }
    s->pstate = a32 ? arm_cpsr_to_pstate(v) | (s->pstate & PSTATE_SS) : v;
    return true;
}

/* ---- AArch64 core ---- */

static unsigned a64_count(Cpu *cpu)
{
    return is_a64(cpu) ? ARRAY_LEN(x_names) : 0;
}

static GdbReg a64_reg(Cpu *cpu, unsigned n)
{
    return (GdbReg){x_names[n], n == X_CPSR ? 32 : 64,
                    n == X_SP ? "data_ptr" : n == X_PC ? "code_ptr" : n == X_CPSR ? "cpsr_flags" : NULL, NULL};
}

static uint64_t *a64_field(ArmState *s, unsigned n)
{
    return n == X_SP ? &s->sp : n == X_PC ? &s->pc : &s->x[n];
}

static void a64_get(Cpu *cpu, unsigned n, uint8_t *buf)
{
    if (n == X_CPSR) {
        st_le32(buf, status(cpu));
    } else {
        st_le64(buf, *a64_field(state_of(cpu), n));
    }
}

static bool a64_set(Cpu *cpu, unsigned n, const uint8_t *buf)
{
    if (n == X_CPSR) {
        return set_status(cpu, ld_le32(buf));
    }
    *a64_field(state_of(cpu), n) = ld_le64(buf);
    return true;
}

#define FLAG(name, bit) "<field name=\"" name "\" start=\"" #bit "\" end=\"" #bit "\"/>"
static const char a64_types[] =
    "<flags id=\"cpsr_flags\" size=\"4\">" FLAG("SP", 0) "<field name=\"EL\" start=\"2\" end=\"3\"/>" FLAG("nRW", 4)
    FLAG("F", 6) FLAG("I", 7) FLAG("A", 8) FLAG("D", 9) "<field name=\"BTYPE\" start=\"10\" end=\"11\"/>" FLAG("SSBS", 12)
    FLAG("IL", 20) FLAG("SS", 21) FLAG("PAN", 22) FLAG("UAO", 23) FLAG("DIT", 24) FLAG("TCO", 25) FLAG("V", 28)
    FLAG("C", 29) FLAG("Z", 30) FLAG("N", 31) "</flags>";

static const GdbFeature a64_core = {"org.gnu.gdb.aarch64.core", a64_types, a64_count, a64_reg, a64_get, a64_set};

/* ---- AArch32 core ---- */

static unsigned a32_count(Cpu *cpu)
{
    return is_a64(cpu) ? 0 : ARRAY_LEN(r_names);
}

static GdbReg a32_reg(Cpu *cpu, unsigned n)
{
    return (GdbReg){r_names[n], 32, n == R_SP ? "data_ptr" : n == R_PC ? "code_ptr" : NULL, NULL};
}

static void a32_get(Cpu *cpu, unsigned n, uint8_t *buf)
{
    ArmState *s = state_of(cpu);

    st_le32(buf, n == R_CPSR ? status(cpu) : (uint32_t)(n == R_PC ? s->pc : s->x[n]));
}

static bool a32_set(Cpu *cpu, unsigned n, const uint8_t *buf)
{
    ArmState *s = state_of(cpu);

    if (n == R_CPSR) {
        return set_status(cpu, ld_le32(buf));
    }
    *(n == R_PC ? &s->pc : &s->x[n]) = ld_le32(buf);
    return true;
}

static const GdbFeature a32_core = {"org.gnu.gdb.arm.core", NULL, a32_count, a32_reg, a32_get, a32_set};

/* ---- floating point, Advanced SIMD ---- */

static const char *const v_names[] = {
    "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17",
    "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31", "fpsr", "fpcr",
};
static const char *const d_names[] = {
    "d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9", "d10", "d11", "d12", "d13", "d14", "d15", "d16", "d17",
    "d18", "d19", "d20", "d21", "d22", "d23", "d24", "d25", "d26", "d27", "d28", "d29", "d30", "d31",
};
enum { V_FPSR = 32, V_FPCR };

static const char v_types[] =
    "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/><vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
    "<vector id=\"v2u\" type=\"uint64\" count=\"2\"/><vector id=\"v4u\" type=\"uint32\" count=\"4\"/>"
    "<vector id=\"v8u\" type=\"uint16\" count=\"8\"/><vector id=\"v16u\" type=\"uint8\" count=\"16\"/>"
    "<union id=\"aarch64v\"><field name=\"d\" type=\"v2d\"/><field name=\"s\" type=\"v4f\"/>"
    "<field name=\"u64\" type=\"v2u\"/><field name=\"u32\" type=\"v4u\"/><field name=\"u16\" type=\"v8u\"/>"
    "<field name=\"u8\" type=\"v16u\"/><field name=\"q\" type=\"uint128\"/></union>";

static void set_fpcr(Cpu *cpu, uint32_t v)
{
    uint32_t mask = FPCR_AHP | FPCR_DN | FPCR_FZ | 3u << FPCR_RMODE_SHIFT | 7u << FPCR_LEN_SHIFT | 3u << FPCR_STRIDE_SHIFT;

    state_of(cpu)->fpcr = v & (mask | (arm_has(config_of(cpu), ARM_FEAT_FP16) ? FPCR_FZ16 : 0));
}

static unsigned v_count(Cpu *cpu)
{
    return is_a64(cpu) && arm_has(config_of(cpu), ARM_FEAT_FP) ? ARRAY_LEN(v_names) : 0;
}

static GdbReg v_reg(Cpu *cpu, unsigned n)
{
    return n < V_FPSR ? (GdbReg){v_names[n], 128, "aarch64v", NULL} : (GdbReg){v_names[n], 32, "int", NULL};
}

static void v_get(Cpu *cpu, unsigned n, uint8_t *buf)
{
    ArmState *s = state_of(cpu);

    if (n < V_FPSR) {
        memcpy(buf, s->z[n].b, 16);
    } else {
        st_le32(buf, n == V_FPSR ? s->fpsr : s->fpcr);
    }
}

static bool v_set(Cpu *cpu, unsigned n, const uint8_t *buf)
{
    ArmState *s = state_of(cpu);

    if (n < V_FPSR) {
        memcpy(s->z[n].b, buf, 16);
    } else if (n == V_FPSR) {
        s->fpsr = ld_le32(buf) & FPSR_BITS;
    } else {
        set_fpcr(cpu, ld_le32(buf));
    }
    return true;
}

static const GdbFeature a64_fpu = {"org.gnu.gdb.aarch64.fpu", v_types, v_count, v_reg, v_get, v_set};

static unsigned d_registers(Cpu *cpu)
{
    const ArmCpuConfig *c = config_of(cpu);

    return is_a64(cpu) || !arm_has(c, ARM_FEAT_VFP2) ? 0 : arm_has(c, ARM_FEAT_D32) ? 32 : 16;
}

static unsigned d_count(Cpu *cpu)
{
    unsigned n = d_registers(cpu);

    return n ? n + 1 : 0;
}

static GdbReg d_reg(Cpu *cpu, unsigned n)
{
    return n < d_registers(cpu) ? (GdbReg){d_names[n], 64, "ieee_double", NULL} : (GdbReg){"fpscr", 32, "int", "float"};
}

static void d_get(Cpu *cpu, unsigned n, uint8_t *buf)
{
    ArmState *s = state_of(cpu);

    if (n < d_registers(cpu)) {
        memcpy(buf, s->z[n / 2].b + n % 2 * 8, 8);
    } else {
        st_le32(buf, s->fpsr | s->fpcr); /* G8.2.60 */
    }
}

static bool d_set(Cpu *cpu, unsigned n, const uint8_t *buf)
{
    ArmState *s = state_of(cpu);

    if (n < d_registers(cpu)) {
        memcpy(s->z[n / 2].b + n % 2 * 8, buf, 8);
    } else {
        s->fpsr = ld_le32(buf) & FPSR_BITS;
        set_fpcr(cpu, ld_le32(buf));
    }
    return true;
}

static const GdbFeature a32_vfp = {"org.gnu.gdb.arm.vfp", NULL, d_count, d_reg, d_get, d_set};

/* Without registers of its own: gdb makes q0..q15 of the d registers. */
static unsigned neon_count(Cpu *cpu)
{
    return 0;
}

static bool neon_present(Cpu *cpu)
{
    return d_registers(cpu) == 32 && arm_has(config_of(cpu), ARM_FEAT_NEON);
}

static const GdbFeature a32_neon = {.name = "org.gnu.gdb.arm.neon", .count = neon_count, .present = neon_present};

/* ---- system registers: to be read ---- */

static const char *const sr_names[ARM_SR__COUNT] = {
#define R(name, op0, op1, crn, crm, op2, reset, help) #name,
#include "target/arm/sysreg.def"
#undef R
};

static unsigned sr_count(Cpu *cpu)
{
    return ARM_SR__COUNT;
}

static GdbReg sr_reg(Cpu *cpu, unsigned n)
{
    return (GdbReg){sr_names[n], 64, NULL, "cp_regs"};
}

static void sr_get(Cpu *cpu, unsigned n, uint8_t *buf)
{
    st_le64(buf, state_of(cpu)->sr[n]);
}

static bool sr_set(Cpu *cpu, unsigned n, const uint8_t *buf)
{
    return ld_le64(buf) == state_of(cpu)->sr[n]; /* a change has consequences that only an instruction can see to */
}

static const GdbFeature system_registers = {"org.rhea.gdb.arm.system", NULL, sr_count, sr_reg, sr_get, sr_set};

/* ---- the target ---- */

static const char *architecture(Cpu *cpu)
{
    return is_a64(cpu) ? "aarch64" : "arm";
}

static const GdbFeature *const features[] = {&a64_core, &a32_core, &a64_fpu, &a32_vfp, &a32_neon, &system_registers, NULL};

const GdbTarget arm_gdb = {architecture, features};
