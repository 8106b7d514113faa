#include "cv.h"

#include <cerrno>
#include <new>
#include <unistd.h>

#include <opencv2/core/utils/logger.hpp>
#include <opencv2/dnn.hpp>

struct cb_cv_net {
    cv::dnn::Net net;
    cv::Mat out;
};

static int quiet(int, const char *, const char *, const char *, int, void *)
{
    return 0; /* what failed is returned, and worded by who knows the file's name */
}

extern "C" int cb_cv_net_create(struct cb_cv_net **ret, const char *file)
try {
    if (access(file, R_OK) != 0)
        return -ENOENT;
    cv::redirectError(quiet);
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    cv::dnn::Net net = cv::dnn::readNetFromONNX(file);
    if (net.empty())
        return -EINVAL;
    net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
    net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
    *ret = new cb_cv_net{net, cv::Mat()};
    return 0;
} catch (const std::bad_alloc &) {
    return -ENOMEM;
} catch (...) {
    return -EINVAL;
}

extern "C" void cb_cv_net_destroy(struct cb_cv_net **net)
try {
    delete *net;
    *net = nullptr;
} catch (...) {
    *net = nullptr;
}

extern "C" int cb_cv_net_run(struct cb_cv_net *net, const uint8_t *bgr, int side, const float **ret,
                             size_t ret_dims[CB_CV_DIMS_MAX])
try {
    const cv::Mat picture(side, side, CV_8UC3, const_cast<uint8_t *>(bgr));
    net->net.setInput(cv::dnn::blobFromImage(picture));
    net->out = net->net.forward();
    if (net->out.type() != CV_32F || net->out.dims > CB_CV_DIMS_MAX || !net->out.isContinuous())
        return -EINVAL;
    for (int i = 0; i < CB_CV_DIMS_MAX; i++)
        ret_dims[i] = i < net->out.dims ? static_cast<size_t>(net->out.size[i]) : 0;
    *ret = net->out.ptr<float>();
    return 0;
} catch (const std::bad_alloc &) {
    return -ENOMEM;
} catch (...) {
    return -EINVAL;
}
