// Stands in for the fuzzer in ordinary builds: runs a target over the files of a folder, and over
// every beginning of each, as truncated input is the most common kind of broken input.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

// A seed is small. One that a fuzzer found may be long, and then steps keep the whole quick.
constexpr std::size_t beginnings_max = 500;

void replay(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    const std::vector<std::uint8_t> bytes(std::istreambuf_iterator<char>(stream), {});
    const std::size_t step = bytes.size() / beginnings_max + 1;
    for (std::size_t size = 0; size < bytes.size(); size += step) {
        // A copy of its own size, so that the sanitizer sees a read behind the end.
        const std::vector<std::uint8_t> beginning(bytes.data(), bytes.data() + size);
        LLVMFuzzerTestOneInput(beginning.data(), size);
    }
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
        // The last line says which file it was, if the target ends the process.
        std::fprintf(stderr, "%s\n", entry.path().c_str());
        replay(entry.path());
        ++files;
    }
    return files > 0 ? 0 : 1;
}
