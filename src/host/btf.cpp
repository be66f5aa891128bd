#include "host/btf.hpp"

#include <bpf/btf.h>

#include <cerrno>
#include <span>

namespace tcpdx::host {

void KernelTypes::Free::operator()(btf* types) const { btf__free(types); }

Result<KernelTypes> KernelTypes::open() {
  KernelTypes types;
  types.types_.reset(btf__load_vmlinux_btf());
  if (types.types_ == nullptr) {
    return fail("cannot read the kernel's types (/sys/kernel/btf/vmlinux): {}", errno_text(errno));
  }
  return types;
}

// A tracepoint NAME has typedef void (*btf_trace_NAME)(void *, arguments ...).
unsigned KernelTypes::tracepoint_arguments(std::string_view name) const {
  const std::string wanted = "btf_trace_" + std::string(name);
  const int id = btf__find_by_name_kind(types_.get(), wanted.c_str(), BTF_KIND_TYPEDEF);
  if (id < 0) return 0;
  const btf_type* pointer =
      btf__type_by_id(types_.get(), btf__type_by_id(types_.get(), static_cast<uint32_t>(id))->type);
  if (pointer == nullptr || !btf_is_ptr(pointer)) return 0;
  const btf_type* function = btf__type_by_id(types_.get(), pointer->type);
  if (function == nullptr || !btf_is_func_proto(function)) return 0;
  const unsigned all = btf_vlen(function);
  return all == 0 ? 0 : all - 1;
}

std::map<uint32_t, std::string> KernelTypes::enumeration(std::string_view name,
                                                         std::string_view prefix) const {
  std::map<uint32_t, std::string> values;
  const int id = btf__find_by_name_kind(types_.get(), std::string(name).c_str(), BTF_KIND_ENUM);
  if (id < 0) return values;
  const btf_type* type = btf__type_by_id(types_.get(), static_cast<uint32_t>(id));
  for (const struct btf_enum& value : std::span(btf_enum(type), btf_vlen(type))) {
    std::string_view text = btf__name_by_offset(types_.get(), value.name_off);
    if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
    values.emplace(static_cast<uint32_t>(value.val), text);
  }
  return values;
}

}  // namespace tcpdx::host
