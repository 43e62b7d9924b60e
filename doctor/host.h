/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The host as files say it: /proc, /sys, /dev, /lib/modules, /etc, below a directory that a test
 * may choose. Nothing is trusted: a file may be missing, huge, a directory, a FIFO or binary.
 */
#ifndef DOCTOR_HOST_H
#define DOCTOR_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <glib.h>

typedef enum HostArch { HOST_X86, HOST_ARM64, HOST_OTHER } HostArch;

/* The maker of an x86 processor, which decides about its extension and kernel module. */
typedef enum HostVendor { VENDOR_UNKNOWN, VENDOR_INTEL, VENDOR_AMD } HostVendor;

/* What several checks want to know, read once. Strings are never NULL but for container. */
typedef struct Host {
    const char *root;     /* "": this host; else the directory that stands for its / */
    HostArch arch;
    HostVendor vendor;
    char *cpuinfo;        /* /proc/cpuinfo */
    char *cmdline;        /* of the kernel */
    char *release;        /* "6.1.0-28-amd64" */
    char *log;            /* the kernel's messages, as far as they can be read */
    char *container;      /* its kind, such as "docker", or NULL */
    char *user;           /* name, or number */
    uid_t uid;            /* effective, of this process */
    GArray *gids;         /* gid_t: effective and supplementary */
    bool virtual_machine; /* this host is a guest itself */
    bool have_accel;      /* this program has an accelerator named kvm */
} Host;

/* @root: NULL or "" is this host. */
Host *host_new(const char *root, bool have_accel);
void host_free(Host *h);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Host, host_free)

/* Is this the host that runs us, so that devices can be opened? */
bool host_is_real(const Host *h);
/* The path below the root. Free with g_free. */
char *host_path(const Host *h, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* The contents as valid UTF-8, at most 4 MiB, NUL bytes turned to newlines; NULL: not readable. Never blocks. */
char *host_read(const Host *h, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* The first line without white space around it; NULL if the file is not readable or that line is empty. */
char *host_read_line(const Host *h, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* A decimal number at the file's beginning; @missing when there is none. */
uint64_t host_read_number(const Host *h, uint64_t missing, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
/* @len bytes at @offset of a file such as /dev/cpu/0/msr. */
bool host_read_at(const Host *h, const char *path, uint64_t offset, void *buf, size_t len);
bool host_exists(const Host *h, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* The names in a directory, sorted, at most 4096, ending with NULL; empty if it is not readable. Free with g_strfreev. */
char **host_list(const Host *h, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* The value of "key : value" in the first line of @text that has this key; NULL: none. Free with g_free. */
char *text_field(const char *text, const char *key);
/* Is @word one of the words of @list, which white space or commas separate? */
bool text_has_word(const char *list, const char *word);
/* The words after @key= in a kernel's command line (the last one counts); NULL: not there. */
char *cmdline_value(const Host *h, const char *key);
/* Does the processor's line of flags have this one? */
bool host_cpu_flag(const Host *h, const char *flag);
/* The name of a user or group in /etc/passwd or /etc/group by number, or the number. */
char *host_id_name(const Host *h, const char *file, unsigned id);
/* The line of /etc/group of group @name; NULL: no such group. */
char *host_group_line(const Host *h, const char *name);
/* "sudo " for who is not root. */
const char *host_sudo(const Host *h);

#endif
