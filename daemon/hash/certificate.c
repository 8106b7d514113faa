#include "hash/certificate.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "pem.h"

static BIO *reader(const char *text)
{
    return BIO_new_mem_buf(text, -1); /* −1: to its end */
}

static int check(const struct cb_certificate_files *f, X509 *certificate, EVP_PKEY *key, bool *ret_is_over,
                 struct cb_error *reterr)
{
    if (!certificate)
        return cb_error_set(reterr, -EINVAL, f->certificate_path, "expected a certificate as PEM");
    if (!key)
        return cb_error_set(reterr, -EINVAL, f->key_path,
                            "expected a secret key as PEM, without a passphrase");
    if (X509_check_private_key(certificate, key) != 1)
        return cb_error_set(reterr, -EINVAL, f->key_path, "is not the key of the certificate %s",
                            f->certificate_path);
    *ret_is_over = X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
    return 0;
}

int cb_pem_no_passphrase(char *buf, int size, int is_writing, void *arg)
{
    (void) buf, (void) size, (void) is_writing, (void) arg;
    return -1;
}

int cb_certificate_check(const struct cb_certificate_files *f, bool *ret_is_over, struct cb_error *reterr)
{
    BIO *from = reader(f->certificate), *key_from = reader(f->key);
    X509 *certificate = from ? PEM_read_bio_X509(from, NULL, cb_pem_no_passphrase, NULL) : NULL;
    EVP_PKEY *key = key_from ? PEM_read_bio_PrivateKey(key_from, NULL, cb_pem_no_passphrase, NULL) : NULL;
    int r = check(f, certificate, key, ret_is_over, reterr);
    EVP_PKEY_free(key);
    X509_free(certificate);
    BIO_free(key_from);
    BIO_free(from);
    ERR_clear_error();
    return r;
}
