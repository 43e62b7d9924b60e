/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <glib.h>
#include <pthread.h>

#include "base/os/thread.h"

void os_thread_set_name(const char *name)
{
    char cut[16];

    g_strlcpy(cut, name, sizeof(cut));
    pthread_setname_np(pthread_self(), cut);
}
