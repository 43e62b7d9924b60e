/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What GLib's and POSIX' threads lack.
 */
#ifndef BASE_OS_THREAD_H
#define BASE_OS_THREAD_H

/* Names the calling thread in debuggers and top; longer names are cut to 15 bytes. */
void os_thread_set_name(const char *name);

#endif
