// For tests: a self-signed certificate for some host names, in a folder of its own.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "net/http_server.h"

namespace roost::net {

class TestCertificate {
  public:
    // names: "DNS:localhost,IP:127.0.0.1"
    explicit TestCertificate(const std::string& names) {
        std::string folder = std::filesystem::temp_directory_path() / "roost-tls-XXXXXX";
        EXPECT_NE(::mkdtemp(folder.data()), nullptr);
        folder_ = folder;
        EVP_PKEY* key = EVP_EC_gen("P-256");
        X509* certificate = X509_new();
        X509_set_version(certificate, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
        X509_set_pubkey(certificate, key);
        X509_NAME* subject = X509_get_subject_name(certificate);
        const auto* common_name = reinterpret_cast<const unsigned char*>("roost test");
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common_name, -1, -1, 0);
        X509_set_issuer_name(certificate, subject);
        add_extension(certificate, NID_subject_alt_name, names);
        add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
        EXPECT_GT(X509_sign(certificate, key, EVP_sha256()), 0);
        write(files().certificate_chain, [&](FILE* file) { PEM_write_X509(file, certificate); });
        write(files().private_key, [&](FILE* file) {
            PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
        });
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    ~TestCertificate() { std::filesystem::remove_all(folder_); }
    TestCertificate(const TestCertificate&) = delete;
    TestCertificate& operator=(const TestCertificate&) = delete;

    TlsFiles files() const { return {folder_ + "/chain.pem", folder_ + "/key.pem"}; }
    std::string folder() const { return folder_; }

    static void write(const std::string& path, auto writer) {
        FILE* file = std::fopen(path.c_str(), "w");
        ASSERT_NE(file, nullptr);
        writer(file);
        std::fclose(file);
    }

  private:
    static void add_extension(X509* certificate, int id, const std::string& value) {
        X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str());
        ASSERT_NE(extension, nullptr);
        X509_add_ext(certificate, extension, -1);
        X509_EXTENSION_free(extension);
    }

    std::string folder_;
};

}  // namespace roost::net
