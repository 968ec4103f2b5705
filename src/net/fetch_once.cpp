#include "net/fetch_once.h"

#include <exception>

#include "net/event_loop.h"

namespace roost::net {

namespace {

Task<void> run_to_end(Task<void> task, EventLoop& loop, std::exception_ptr& failure) {
    try {
        co_await std::move(task);
    } catch (...) {
        failure = std::current_exception();
    }
    loop.stop();
}

}  // namespace

void with_client(HttpClient::Options options, std::function<Task<void>(HttpClient&)> function) {
    EventLoop loop;
    std::exception_ptr failure;
    {
        const std::unique_ptr<HttpClient> client = HttpClient::make(std::move(options));
        loop.post([&] { start_detached(run_to_end(function(*client), loop, failure)); });
        loop.run();
    }
    if (failure) std::rethrow_exception(failure);
}

}  // namespace roost::net
