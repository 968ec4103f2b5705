#include "app/samples.h"

namespace roost::app {

void add_samples(web::Metrics& metrics, const SampledParts& parts) {
    using Kind = web::Metrics::Kind;
    metrics.add(
        Kind::gauge, "roost_connections_open", "Connections of clients",
        [&server = parts.server] { return static_cast<double>(server.stats().connections_open); });
    metrics.add(Kind::counter, "roost_db_writes_total", "Write transactions that committed",
                [&db = parts.db] { return static_cast<double>(db.stats().writes_total); });
    metrics.add(Kind::counter, "roost_db_batches_total", "Commits, each of one or more writes",
                [&db = parts.db] { return static_cast<double>(db.stats().batches_total); });
    metrics.add(Kind::gauge, "roost_db_queue_length", "Writes that wait for the next commit",
                [&db = parts.db] { return static_cast<double>(db.stats().queue_length); });
    metrics.add(Kind::gauge, "roost_hash_queue_length", "Passwords that wait to be hashed",
                [&hashes = parts.hashes] { return static_cast<double>(hashes.queue_length()); });
    metrics.add(Kind::gauge, "roost_mail_queue_length", "Mails that wait to be sent",
                [&mail = parts.mail] { return static_cast<double>(mail.stats().waiting); });
    metrics.add(Kind::counter, "roost_mail_delivered_total", "Mails that were sent",
                [&mail = parts.mail] { return static_cast<double>(mail.stats().delivered_total); });
    metrics.add(
        Kind::gauge, "roost_stream_subscribers", "Subscribers of the event stream",
        [&firehose = parts.firehose] { return static_cast<double>(firehose.stats().subscribers); });
    metrics.add(
        Kind::gauge, "roost_stream_lag_events",
        "Events that the slowest subscriber of the event stream has yet to get",
        [&firehose = parts.firehose] { return static_cast<double>(firehose.stats().lag_events); });
    metrics.add(Kind::counter, "roost_stream_frames_total", "Events handed to subscribers",
                [&firehose = parts.firehose] {
                    return static_cast<double>(firehose.stats().frames_total);
                });
    metrics.add(
        Kind::counter, "roost_stream_bytes_total", "Their bytes",
        [&firehose = parts.firehose] { return static_cast<double>(firehose.stats().bytes_total); });
    metrics.add(Kind::counter, "roost_stream_too_slow_total",
                "Subscribers that were cut off because they were too slow",
                [&firehose = parts.firehose] {
                    return static_cast<double>(firehose.stats().too_slow_total);
                });
}

}  // namespace roost::app
