#ifndef DETECTORS_CV_H
#define DETECTORS_CV_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * OpenCV behind C: plain arrays and planes in, plain arrays out; 0 or -errno. No OpenCV type and
 * no exception leaves cv.cpp; every function there is a function-try-block.
 */

/** A neural network read from an ONNX file. One thread at a time. */
struct cb_cv_net;

#define CB_CV_DIMS_MAX 4

/** @return 0; -ENOENT: no such file; -EINVAL: not a network that can be read; -ENOMEM */
int cb_cv_net_create(struct cb_cv_net **ret, const char *file);
void cb_cv_net_destroy(struct cb_cv_net **net);
/**
 * Runs a picture through the network.
 *
 * @param bgr      side × side px, B, G, R a byte each, without padding; goes in as 0…255
 * @param ret      the first output's numbers, the network's: valid until its next run or end
 * @param ret_dims its sizes, unused ones 0
 * @return 0; -EINVAL: the network takes no such picture; -ENOMEM
 */
int cb_cv_net_run(struct cb_cv_net *net, const uint8_t *bgr, int side, const float **ret,
                  size_t ret_dims[CB_CV_DIMS_MAX]);

#ifdef __cplusplus
}
#endif

#endif
