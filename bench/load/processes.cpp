#include "processes.h"

#include <dirent.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace roost::load {

namespace {

// A tree deeper than this is not a server.
constexpr int depth_max = 8;

// In nanoseconds, which the ticks of /proc/PID/stat are too coarse for: what one thread has run.
// https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
double seconds_of_thread(const std::string& thread) {
    std::ifstream file(thread + "/schedstat");
    double nanoseconds = 0;
    file >> nanoseconds;
    return nanoseconds / 1e9;
}

// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: behind the name in parentheses stand
// the fields from the third on; the 19th is the niceness.
int niceness_of(const std::string& thread) {
    std::ifstream file(thread + "/stat");
    std::string line;
    if (!std::getline(file, line)) return 0;
    std::istringstream fields(line.substr(line.rfind(')') + 2));
    std::string field;
    for (int number = 3; number <= 19; ++number)
        fields >> field;
    return std::atoi(field.c_str());
}

std::vector<std::string> threads_of(const std::string& process) {
    std::vector<std::string> threads;
    DIR* folder = opendir((process + "/task").c_str());
    if (!folder) return threads;
    while (const dirent* entry = readdir(folder))
        if (entry->d_name[0] != '.') threads.push_back(process + "/task/" + entry->d_name);
    closedir(folder);
    return threads;
}

void add_tree(pid_t root, int depth, CpuSeconds& sum) {
    const std::string process = "/proc/" + std::to_string(root);
    const int niceness = niceness_of(process);
    for (const std::string& thread : threads_of(process)) {
        const double seconds = seconds_of_thread(thread);
        sum.all += seconds;
        if (niceness_of(thread) > niceness) sum.low_priority += seconds;
        if (depth == depth_max) continue;
        std::ifstream children(thread + "/children");
        for (pid_t child = 0; children >> child;)
            add_tree(child, depth + 1, sum);
    }
}

}  // namespace

CpuSeconds cpu_of_tree(pid_t root) {
    CpuSeconds sum;
    add_tree(root, 0, sum);
    return sum;
}

double cpu_of_this_process() {
    return cpu_of_tree(getpid()).all;
}

// The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
double cpu_of_machine() {
    std::ifstream file("/proc/stat");
    std::string name;
    file >> name;
    double ticks = 0;
    double value = 0;
    for (int place = 0; place < 8 && file >> value; ++place)
        if (place != 3 && place != 4) ticks += value;
    return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace roost::load
