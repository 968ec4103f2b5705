// What the kernel's /proc says about CPU: of a process with its children, and of the machine.
#pragma once

#include <sys/types.h>

namespace roost::load {

struct CpuSeconds {  // user and system
    double all = 0;
    // Of threads that run at low priority, which in roost are those that hash passwords.
    double low_priority = 0;
};

// Of the threads that live: what one has used that ended is not seen.
CpuSeconds cpu_of_tree(pid_t root);
double cpu_of_this_process();
double cpu_of_machine();

}  // namespace roost::load
