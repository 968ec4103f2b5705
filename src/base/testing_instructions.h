// For tests of what must not depend on a secret: clocks are too coarse for that, a count is not.
#pragma once

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <concepts>
#include <cstdint>

namespace roost::testing {

// How many instructions a call takes: a child process makes it, and is walked through it step by
// step. Two counts can be compared if nothing happens between them: both children then start as
// copies of the same process. Some 10,000 a second; -1 if the system allows no tracing.
template <std::invocable F>
std::int64_t instructions_of(F&& call) {
    const pid_t child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(1);
        raise(SIGSTOP);
        call();
        raise(SIGSTOP);
        _exit(0);
    }
    std::int64_t steps = -1;
    int status = 0;
    const auto is_at_mark = [&] {
        return waitpid(child, &status, 0) == child && WIFSTOPPED(status) &&
               WSTOPSIG(status) == SIGSTOP;
    };
    if (is_at_mark()) {
        do {
            ++steps;
            ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr);
        } while (!is_at_mark() && WIFSTOPPED(status));
        if (!WIFSTOPPED(status)) steps = -1;
        ptrace(PTRACE_KILL, child, nullptr, nullptr);
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
    }
    return steps;
}

}  // namespace roost::testing
