#include "p256.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>

#define GROUP "prime256v1"

static EVP_PKEY *build(OSSL_PARAM *params, int selection)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = params ? EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL) : NULL;
    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, selection, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return key;
}

static OSSL_PARAM *params_of(const unsigned char *point, const BIGNUM *secret)
{
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    if (b && OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, GROUP, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, CB_P256_PUBLIC_BYTES) == 1 &&
        (!secret || OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, secret) == 1))
        params = OSSL_PARAM_BLD_to_param(b);
    OSSL_PARAM_BLD_free(b);
    return params;
}

/* An uncompressed point alone: nothing else may come from a browser. */
EVP_PKEY *cb_p256_from_public(const unsigned char point[CB_P256_PUBLIC_BYTES])
{
    return point[0] == 0x04 ? build(params_of(point, NULL), EVP_PKEY_PUBLIC_KEY) : NULL;
}

static int multiply(const BIGNUM *scalar, unsigned char ret[CB_P256_PUBLIC_BYTES])
{
    EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    EC_POINT *p = g ? EC_POINT_new(g) : NULL;
    size_t n = 0;
    if (p && EC_POINT_mul(g, p, scalar, NULL, NULL, NULL) == 1)
        n = EC_POINT_point2oct(g, p, POINT_CONVERSION_UNCOMPRESSED, ret, CB_P256_PUBLIC_BYTES, NULL);
    EC_POINT_free(p);
    EC_GROUP_free(g);
    return n == CB_P256_PUBLIC_BYTES ? 0 : -EINVAL;
}

EVP_PKEY *cb_p256_from_secret(const unsigned char scalar[CB_P256_SECRET_BYTES])
{
    unsigned char point[CB_P256_PUBLIC_BYTES];
    BIGNUM *secret = BN_bin2bn(scalar, CB_P256_SECRET_BYTES, NULL);
    EVP_PKEY *key = secret && multiply(secret, point) == 0
                        ? build(params_of(point, secret), EVP_PKEY_KEYPAIR) : NULL;
    BN_clear_free(secret);
    return key;
}

EVP_PKEY *cb_p256_generate(void)
{
    return EVP_EC_gen("P-256");
}

int cb_p256_public(const EVP_PKEY *key, unsigned char ret[CB_P256_PUBLIC_BYTES])
{
    char group[32] = "";
    size_t n = 0;
    if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, NULL) != 1 ||
        OBJ_txt2nid(group) != NID_X9_62_prime256v1)
        return -EINVAL;
    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, ret, CB_P256_PUBLIC_BYTES, &n) != 1 ||
        n != CB_P256_PUBLIC_BYTES)
        return -EIO;
    return 0;
}
