// What /metrics asks of the parts that keep their own numbers.
#pragma once

#include "db/database.h"
#include "net/http_server.h"
#include "pds/accounts/hash_pool.h"
#include "pds/mail/mail_queue.h"
#include "pds/sync/firehose.h"
#include "web/metrics.h"

namespace roost::app {

// All of them outlive the metrics.
struct SampledParts {
    const net::HttpServer& server;
    const db::Database& db;
    const pds::HashPool& hashes;
    const pds::mail::MailQueue& mail;
    const pds::Firehose& firehose;
};
void add_samples(web::Metrics& metrics, const SampledParts& parts);

}  // namespace roost::app
