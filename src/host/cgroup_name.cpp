// Container runtimes put their id into the name of the cgroup, each in its own way; the table below
// lists the ways. Units are named by systemd (systemd.unit(5)).
#include "host/cgroup_name.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/text.hpp"

namespace tcpdx::host {

namespace {

constexpr size_t kIdDigits = 64;
constexpr size_t kShownDigits = 12;

// What stands before an id in a cgroup's name; an empty prefix is a bare id.
constexpr std::array<std::string_view, 7> kIdPrefixes{
    "",                 // docker and podman with cgroupfs, kubepods, containerd namespaces
    "docker-",          // docker with systemd
    "cri-containerd-",  // kubelet with containerd
    "crio-",            // kubelet with cri-o
    "libpod-",          // podman
    "libpod-payload-",  // podman inside a unit (Delegate=yes)
    "nerdctl-",         // nerdctl with systemd
};

// Containers that are named, not numbered.
struct NamePrefix {
  std::string_view prefix;
  std::string_view suffix;
};
constexpr std::array kNamePrefixes{
    NamePrefix{"lxc.payload.", ""},    // lxc 4 and later
    NamePrefix{"machine-", ".scope"},  // systemd-nspawn, by machined
    NamePrefix{"systemd-nspawn@", ".service"},
};

// Folders whose every child is a container: lxc before version 4.
constexpr std::array<std::string_view, 2> kNameFolders{"lxc", "lxc.payload"};

// Parts of a runtime that run beside its containers, not in them.
constexpr std::string_view kQemuMachine = "machine-qemu";

bool is_id(std::string_view text) {
  return text.size() == kIdDigits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string_view without_suffix(std::string_view text, std::string_view suffix) {
  return text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : text;
}

// A cgroup's name as a container's id.
std::optional<std::string> container_id(std::string_view component) {
  std::string_view name = without_suffix(component, ".scope");
  // A runtime that expects systemd's names but runs without it writes "slice:runtime:id".
  if (const size_t colon = name.rfind(':'); colon != std::string_view::npos) {
    name.remove_prefix(colon + 1);
  }
  for (const std::string_view prefix : kIdPrefixes) {
    if (name.starts_with(prefix) && is_id(name.substr(prefix.size()))) {
      return std::string(name.substr(prefix.size(), kShownDigits));
    }
  }
  return std::nullopt;
}

// Undoes systemd's \xNN escapes (systemd-escape(1)).
std::string unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("\\x")) {
      if (const auto code = parse_number<uint8_t>(text.substr(i + 2, 2), 16); code) {
        out += static_cast<char>(*code);
        i += 3;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

std::optional<std::string> container_name(std::string_view parent, std::string_view component) {
  if (std::ranges::find(kNameFolders, parent) != kNameFolders.end()) return std::string(component);
  if (component.starts_with(kQemuMachine)) return std::nullopt;  // a virtual machine
  for (const auto& [prefix, suffix] : kNamePrefixes) {
    if (component.size() <= prefix.size() + suffix.size()) continue;
    if (!component.starts_with(prefix) || !component.ends_with(suffix)) continue;
    return unescaped(without_suffix(component.substr(prefix.size()), suffix));
  }
  return std::nullopt;
}

bool is_unit(std::string_view component) {
  return component != "init.scope" &&
         (component.ends_with(".service") || component.ends_with(".scope"));
}

}  // namespace

CgroupName cgroup_name(std::string_view path) {
  CgroupName name;
  std::string_view parent;
  for (const std::string_view component : split(path, '/')) {
    if (component.empty()) continue;
    std::optional<std::string> container = container_id(component);
    if (!container) container = container_name(parent, component);
    if (container) {
      // Units outside a container are its runtime's, unless the unit runs just this container.
      if (!component.starts_with("libpod-payload-")) name.unit.clear();
      name.container = std::move(*container);
    } else if (is_unit(component)) {
      name.unit = component;
    }
    parent = component;
  }
  return name;
}

std::string_view cgroup_path(std::string_view text) {
  constexpr std::string_view kSystemd = "name=systemd";
  std::string_view unified;
  std::string_view systemd;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    // "hierarchy:controllers:path" (cgroups(7)); the path itself may hold colons.
    const size_t first = line.find(':');
    if (first == std::string_view::npos) continue;
    const size_t second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    if (controllers.empty()) unified = line.substr(second + 1);
    if (controllers == kSystemd) systemd = line.substr(second + 1);
  }
  return (unified.empty() || unified == "/") && !systemd.empty() ? systemd : unified;
}

}  // namespace tcpdx::host
