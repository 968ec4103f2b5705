// Preloaded into a server, makes 127.0.0.1:NAMESERVER_PORT its only nameserver: /etc/resolv.conf
// names 127.0.0.1, and connections to port 53 go to that port.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

FILE* fopen(const char* path, const char* mode) {
    static FILE* (*real)(const char*, const char*);
    static char text[] = "nameserver 127.0.0.1\noptions attempts:1\n";
    if (path && strcmp(path, "/etc/resolv.conf") == 0) return fmemopen(text, sizeof text - 1, "r");
    if (!real) real = (FILE * (*)(const char*, const char*)) dlsym(RTLD_NEXT, "fopen");
    return real(path, mode);
}

int connect(int socket, const struct sockaddr* address, socklen_t size) {
    const char* port = getenv("NAMESERVER_PORT");
    struct sockaddr_in to;
    if (port && address->sa_family == AF_INET && size >= sizeof to) {
        memcpy(&to, address, sizeof to);
        if (ntohs(to.sin_port) == 53) {
            to.sin_port = htons((unsigned short)atoi(port));
            return (int)syscall(SYS_connect, socket, &to, sizeof to);
        }
    }
    return (int)syscall(SYS_connect, socket, address, size);
}
