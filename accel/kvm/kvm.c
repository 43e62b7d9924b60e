/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's processor as an accelerator, through Linux' KVM: options, what is needed of the kernel, the life of a
 * virtual machine.
 *
 * home: main loop, but for what kvm.h says of its functions.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "accel/kvm/kvm.h"

/* Three pages for the TSS of virtual-8086 mode, one for the identity map: below the firmware, where no board has RAM. */
#define TSS_ADDRESS 0xfeffd000ul
#define IDENTITY_MAP 0xfeffc000ull

/* Without these the vCPU loop cannot work; all are there since Linux 4.11. */
static const KvmNeed needed[] = {
    {KVM_CAP_USER_MEMORY, "USER_MEMORY"},   {KVM_CAP_DESTROY_MEMORY_REGION_WORKS, "DESTROY_MEMORY_REGION_WORKS"},
    {KVM_CAP_EXT_CPUID, "EXT_CPUID"},       {KVM_CAP_SET_TSS_ADDR, "SET_TSS_ADDR"},
    {KVM_CAP_MP_STATE, "MP_STATE"},         {KVM_CAP_VCPU_EVENTS, "VCPU_EVENTS"},
    {KVM_CAP_DEBUGREGS, "DEBUGREGS"},       {KVM_CAP_XSAVE, "XSAVE"},
    {KVM_CAP_USER_NMI, "USER_NMI"},         {KVM_CAP_XCRS, "XCRS"},
    {KVM_CAP_IMMEDIATE_EXIT, "IMMEDIATE_EXIT"},
    {0},
};

static bool probe(const TargetOps *t, Error **errp)
{
    return kvm_runs_target(t, "x86_64", needed, errp);
}

static bool trial(Error **errp)
{
    int dev_fd = kvm_open_device(needed, errp), fd = dev_fd < 0 ? -1 : kvm_create_vm(dev_fd, 0, errp);

    if (dev_fd >= 0) {
        close(dev_fd);
    }
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

/* ---- options: -accel kvm,dirty-ring-size=N,halt-poll-ns=N,kernel-irqchip=on|split|off,rescue=on|off ---- */

static bool parse_option(KvmMachine *km, const char *opt, Error **errp)
{
    if (!strcmp(opt, "rescue=on") || !strcmp(opt, "rescue=off")) {
        km->rescue = !strcmp(opt, "rescue=on");
        return true;
    }
    if (g_str_has_prefix(opt, "dirty-ring-size=")) {
        return kvm_ring_parse(km, strchr(opt, '=') + 1, errp);
    }
    if (g_str_has_prefix(opt, "halt-poll-ns=")) {
        return kvm_poll_parse(km, strchr(opt, '=') + 1, errp);
    }
    if (g_str_has_prefix(opt, "kernel-irqchip=")) {
        return kvm_irqchip_parse(km, strchr(opt, '=') + 1, errp);
    }
    error_set(errp, ERR_INVALID_PARAMETER, "-accel kvm: option '%s' is not known", opt);
    error_hint(errp, "possible: dirty-ring-size=N, halt-poll-ns=N, kernel-irqchip=on|split|off, rescue=on|off");
    return false;
}

static bool parse_options(KvmMachine *km, const char *spec, Error **errp)
{
    g_auto(GStrv) part = g_strsplit(spec ? spec : "kvm", ",", -1);

    km->rescue = true;
    km->halt_poll_ns = POLL_DEFAULT;
    if (part[0] && strcmp(part[0], "kvm")) {
        return true; /* the machine began under another one, whose options they are */
    }
    for (int i = 1; part[0] && part[i]; i++) {
        if (*part[i] && !parse_option(km, part[i], errp)) {
            return false;
        }
    }
    return true;
}

/* ---- the virtual machine ---- */

/*
 * Without it the kernel answers a program's instruction that it does not emulate with #UD, and tells only of the
 * kernel's (the API, KVM_CAP_EXIT_ON_EMULATION_FAILURE).
 */
static void ask_for_failures(KvmMachine *km)
{
    struct kvm_enable_cap cap = {.cap = KVM_CAP_EXIT_ON_EMULATION_FAILURE, .args = {1}};

    km->all_failures = km->rescue && kvm_has(km->fd, KVM_CAP_EXIT_ON_EMULATION_FAILURE) &&
                       kvm_ioctl(km->fd, KVM_ENABLE_CAP, &cap) == 0;
}

static bool set_addresses(KvmMachine *km, Error **errp)
{
    uint64_t identity = IDENTITY_MAP;

    if (kvm_has(km->fd, KVM_CAP_SET_IDENTITY_MAP_ADDR) && kvm_ioctl(km->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0) {
        error_set_errno(errp, errno, "KVM_SET_IDENTITY_MAP_ADDR");
        return false;
    }
    if (kvm_ioctl(km->fd, KVM_SET_TSS_ADDR, (void *)TSS_ADDRESS) < 0) {
        error_set_errno(errp, errno, "KVM_SET_TSS_ADDR");
        return false;
    }
    return true;
}

static void find_capabilities(KvmMachine *km)
{
    km->readonly_slots = kvm_has(km->fd, KVM_CAP_READONLY_MEM);
    km->sregs2 = kvm_has(km->fd, KVM_CAP_SREGS2);
    km->sync_regs = (kvm_has(km->fd, KVM_CAP_SYNC_REGS) & KVM_SYNC_X86_VALID_FIELDS) == KVM_SYNC_X86_VALID_FIELDS;
    km->tsc_attr = kvm_has(km->fd, KVM_CAP_VCPU_ATTRIBUTES);
    kvm_smm_init(km);
    km->mmap_size = ioctl(km->dev_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
}

static void vm_close(Machine *m)
{
    KvmMachine *km = kvm_of(m);

    if (!km) {
        return;
    }
    kvm_debug_fini(km);
    kvm_clock_fini(km);
    kvm_slots_fini(km);
    kvm_events_fini(km);
    kvm_late_fini(km);
    kvm_routes_fini(km);
    if (km->fd >= 0) {
        close(km->fd);
    }
    if (km->dev_fd >= 0) {
        close(km->dev_fd);
    }
    g_free(km);
    *machine_accel_priv(m, ACCEL_SLOT_KVM) = NULL;
}

static const struct {
    uint32_t bit;
    const char *name;
} waits[] = {{KVM_X86_DISABLE_EXITS_HLT, "HLT"}, {KVM_X86_DISABLE_EXITS_PAUSE, "PAUSE"},
             {KVM_X86_DISABLE_EXITS_MWAIT, "MWAIT"}, {KVM_X86_DISABLE_EXITS_CSTATE, "C-states"}};

/* "HLT, PAUSE" */
static GString *waits_names(uint32_t bits)
{
    GString *out = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(waits); i++) {
        if (bits & waits[i].bit) {
            g_string_append_printf(out, "%s%s", out->len ? ", " : "", waits[i].name);
        }
    }
    return out;
}

/*
 * -overcommit cpu-pm=on: instructions that wait stay in the guest (the API, KVM_CAP_X86_DISABLE_EXITS). Before vCPUs are
 * made. What this kernel leaves to guests is used, and what it does not is named.
 */
static void leave_waiting(KvmMachine *km)
{
    uint32_t all = 0, can = kvm_has(km->fd, KVM_CAP_X86_DISABLE_EXITS);

    for (size_t i = 0; i < G_N_ELEMENTS(waits); i++) {
        all |= waits[i].bit;
    }
    struct kvm_enable_cap cap = {.cap = KVM_CAP_X86_DISABLE_EXITS, .args = {can & all}};
    if (cap.args[0] && kvm_ioctl(km->fd, KVM_ENABLE_CAP, &cap) == 0) {
        km->waits = can & all;
    }
    if (km->waits != all) {
        g_autoptr(GString) lacking = waits_names(all & ~km->waits);
        warn_report("-overcommit cpu-pm=on: the kernel's KVM does not leave %s to guests", lacking->str);
    }
}

static bool create(KvmMachine *km, Error **errp)
{
    km->dev_fd = kvm_open_device(needed, errp);
    if (km->dev_fd < 0) {
        return false;
    }
    km->fd = kvm_create_vm(km->dev_fd, 0, errp);
    if (km->fd < 0) {
        return false;
    }
    find_capabilities(km);
    ask_for_failures(km);
    if (machine_config(km->machine)->cpu_pm) {
        leave_waiting(km);
    }
    if (km->mmap_size < (int)sizeof(struct kvm_run)) {
        error_set(errp, ERR_UNSUPPORTED, "KVM's shared page of a vCPU is too small");
        return false;
    }
    return set_addresses(km, errp) && kvm_dirty_init(km, errp) && kvm_poll_init(km, errp) && kvm_irqchip_create(km, errp) &&
           kvm_msr_filter(km, errp);
}

static bool vm_open(Machine *m, Error **errp)
{
    KvmMachine *km = g_new0(KvmMachine, 1);

    km->machine = m;
    km->fd = km->dev_fd = -1;
    *machine_accel_priv(m, ACCEL_SLOT_KVM) = km;
    kvm_slots_init(km);
    kvm_routes_init(km);
    if (!parse_options(km, machine_config(m)->accel, errp) || !create(km, errp)) {
        vm_close(m);
        return false;
    }
    kvm_catch_kicks();
    kvm_events_init(km);
    kvm_late_init(km);
    kvm_clock_init(km);
    kvm_debug_init(km);
    return true;
}

static void ram_changed(Machine *m)
{
    KvmMachine *km = kvm_of(m);

    kvm_slots_update(km);
    kvm_late_update(km);
    const AccelOps *assist = __atomic_load_n(&km->assist, __ATOMIC_ACQUIRE);
    if (assist) {
        assist->ram_changed(m);
    }
}

/* The translator's cached permissions; the guest's own stores are in the kernel's log. */
static void watch_armed(Machine *m, RamBlock *b, uint64_t offset, uint64_t len)
{
    const AccelOps *assist = __atomic_load_n(&kvm_of(m)->assist, __ATOMIC_ACQUIRE);

    if (assist) {
        assist->watch_armed(m, b, offset, len);
    }
}

static void events_changed(Machine *m)
{
    kvm_events_update(kvm_of(m));
}

static void info(Machine *m, GString *out)
{
    g_autoptr(GString) unsaved = g_string_new(NULL);

    kvm_info(m, out);
    kvm_msrs_unsaved(kvm_of(m), unsaved);
    if (kvm_of(m)->waits) {
        g_autoptr(GString) names = waits_names(kvm_of(m)->waits);
        g_string_append_printf(out, "waiting in the guest: %s\n", names->str);
    }
    g_string_append_printf(out, "MSRs that are not saved:%s\n", unsaved->len ? unsaved->str : " none");
    kvm_debug_info(kvm_of(m), out);
}

static const AccelOps kvm_accel = {
    .name = "kvm",
    .help = "the host's processor, through Linux' KVM",
    .probe = probe,
    .trial = trial,
    .vm_open = vm_open,
    .vm_close = vm_close,
    .vcpu_open = kvm_vcpu_open,
    .vcpu_close = kvm_vcpu_close,
    .run = kvm_run,
    .kick = kvm_kick,
    .pull = kvm_pull,
    .push = kvm_push,
    .ram_changed = ram_changed,
    .events_changed = events_changed,
    .settle_stores = kvm_late_settle,
    .dirty_log = kvm_dirty_log,
    .dirty_sync = kvm_dirty_sync,
    .dirty_rings = kvm_dirty_rings,
    .dirty_pages = kvm_dirty_pages,
    .watch_armed = watch_armed,
    .x86_caps = kvm_x86_caps,
    .x86_smm = kvm_smm_usable,
    .msi = &kvm_msi,
    .leave = kvm_leave,
    .enter = kvm_enter,
    .debug = kvm_debug,
    .info = info,
    .reset_stats = kvm_reset_stats,
};
ACCEL(kvm_accel);
