/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vector registers as translators see them.
 */
#include "target/arm/translate_vec.h"

void vec_clear_high(ArmTr *s, unsigned n)
{
    unsigned bytes = vec_mode_bytes(s->mode);
    if (bytes == 16 || (s->mode & MODE_A32)) {
        return;
    }
    if (bytes > 64) {
        tr_call_void(s, HELPER_simd_zero, tr_const(s, n), tr_const(s, 16), IR_NONE);
        return;
    }
    IrVal zero = tr_const(s, 0);
    for (unsigned i = 2; i < bytes / 8; i++) {
        tr_stenv(s, W64, ENV_VD(n, i), zero);
    }
}

IrVal vec_scalar(ArmTr *s, FpFmt f, unsigned n)
{
    return tr_ldenv(s, (IrWidth)f, ENV_VD(n, 0));
}

void vec_set_scalar(ArmTr *s, unsigned d, IrVal v)
{
    tr_stenv(s, W64, ENV_VD(d, 0), v);
    tr_stenv(s, W64, ENV_VD(d, 1), tr_const(s, 0));
    vec_clear_high(s, d);
}
