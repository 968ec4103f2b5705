// Memory for the frames of coroutines: what one frame leaves, the next of its size takes.
//
// A request is a dozen of frames, of the same sizes as those of the request before, and the larger
// of them are beyond what the general allocator has at hand. Each thread keeps its own, up to a
// bound; a frame may end on another thread than it began on. Under AddressSanitizer, memory that
// waits for its next frame is poisoned.
#pragma once

#include <cstddef>

namespace roost {

void* take_frame(std::size_t size);
void give_back_frame(void* frame, std::size_t size) noexcept;

}  // namespace roost
