/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Composition root.
 */
int main(int argc, char **argv)
{
    return 0;
}
