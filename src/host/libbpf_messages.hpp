// What libbpf says while it opens and loads something: kept from the terminal, because it is meant
// for whoever wrote the program. The first line of it belongs into our own sentence.
#pragma once

#include <string>
#include <string_view>

namespace tcpdx::host {

// While it lives, it hears what libbpf says on the calling thread. On other threads libbpf is
// silent from the first of these on.
class LibbpfMessages {
 public:
  LibbpfMessages();
  LibbpfMessages(const LibbpfMessages&) = delete;
  LibbpfMessages& operator=(const LibbpfMessages&) = delete;
  ~LibbpfMessages();

  // The first warning, one line without libbpf's own name before it; empty: there was none.
  const std::string& first() const { return first_; }
  void hear(std::string_view text);

 private:
  std::string first_;
  LibbpfMessages* outer_;
};

// "Operation not permitted": what a failed call of libbpf says, with the first of the messages.
// `error` as libbpf returns it, a negative errno.
std::string libbpf_reason(int error, const LibbpfMessages& messages);

}  // namespace tcpdx::host
