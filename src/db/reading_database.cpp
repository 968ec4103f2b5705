#include "db/reading_database.h"

#include "db/connection.h"
#include "db/migrate.h"

namespace roost::db {

namespace {

ConnectionOptions reader_of(const std::string& path) {
    ConnectionOptions options;
    options.path = path;
    options.role = ConnectionOptions::Role::reader;
    return options;
}

Error only_read() {
    return {Fault::internal, "ReadOnly", "the database was opened for reading only"};
}

class ReadingSnapshot final : public Snapshot {
  public:
    explicit ReadingSnapshot(const std::string& path) : connection_(reader_of(path)) {
        connection_.begin_read();
    }
    ~ReadingSnapshot() override { connection_.rollback(); }
    Transaction& transaction() override { return connection_; }

  private:
    Connection connection_;
};

class ReadingDatabase final : public Database {
  public:
    explicit ReadingDatabase(const std::string& path)
        : path_(path), connection_(reader_of(path)), row_versions_({}) {}

    Result<void> check_version() {
        connection_.begin_read();
        const Result<void> checked = check_migrations(connection_, compiled_migrations());
        connection_.rollback();
        return checked;
    }

    Result<std::unique_ptr<Snapshot>> open_snapshot() override {
        return std::unique_ptr<Snapshot>(new ReadingSnapshot(path_));
    }
    Task<Result<void>> check_writable() override { co_return only_read(); }
    Stats stats() const override { return {}; }
    const RowVersions& row_versions() const override { return row_versions_; }

  private:
    Result<void> submit(std::shared_ptr<Write>) override { return only_read(); }
    void with_snapshot(const std::function<void(Transaction&)>& body) override {
        check(!connection_.in_transaction(), "a read does not start inside another");
        struct Rollback {
            Connection& of;
            ~Rollback() { of.rollback(); }
        } const at_the_end{connection_};
        connection_.begin_read();
        body(connection_);
    }

    std::string path_;
    Connection connection_;
    RowVersions row_versions_;
};

}  // namespace

Result<std::unique_ptr<Database>> open_for_reading(const std::string& path) {
    try {
        auto database = std::make_unique<ReadingDatabase>(path);
        TRY(database->check_version());
        return database;
    } catch (const Failure& failure) {
        return Error{Fault::internal, "DatabaseNotUsable",
                     "cannot read " + path + ": " + failure.what()};
    }
}

}  // namespace roost::db
