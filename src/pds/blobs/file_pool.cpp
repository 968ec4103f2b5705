#include "pds/blobs/file_pool.h"

#include "base/check.h"

namespace roost::pds {

FilePool::FilePool(int threads) {
    check(threads >= 1, "the file pool has a thread");
    threads_.reserve(static_cast<std::size_t>(threads));
    for (int i = 0; i < threads; ++i)
        threads_.emplace_back([this] { serve(); });
}

FilePool::~FilePool() {
    stop();
}

void FilePool::stop() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_)
        thread.join();
    threads_.clear();
}

void FilePool::post(Work work) {
    {
        const std::lock_guard lock(mutex_);
        if (threads_.empty()) return;
        waiting_.push_back(std::move(work));
    }
    wake_.notify_one();
}

void FilePool::serve() {
    std::unique_lock lock(mutex_);
    while (true) {
        wake_.wait(lock, [this] { return is_stopping_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        Work work = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        work();
        work = nullptr;
        lock.lock();
    }
}

}  // namespace roost::pds
