#ifndef DETECTORS_CV_H
#define DETECTORS_CV_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * OpenCV behind C: plain arrays and planes in, plain arrays out; 0 or -errno. No OpenCV type and
 * no exception leaves cv.cpp; every function there is a function-try-block.
 */

#ifdef __cplusplus
}
#endif

#endif
