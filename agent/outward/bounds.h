/* SPDX-License-Identifier: MIT */
/*
 * bounds.h - what is left to the process that speaks with the world: the internet, and to read
 * what the libraries need for it. No key, no state, no configuration; no program to start, and
 * nobody who could reach it.
 */
#ifndef DLK_OUTWARD_BOUNDS_H
#define DLK_OUTWARD_BOUNDS_H

/* For good. Ends with its parent. 0 or -errno: it may not go on. */
int dlk_bounds_enter(void);

#endif
