// The way to a host as a table, as JSON and as a drawing.
#pragma once

#include <functional>
#include <ostream>
#include <string>

#include "probe/path.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

// The name of an address, empty where it has none or it is not known yet.
using NameOf = std::function<std::string(const IpAddress&)>;

// "path to example.net (192.0.2.1) by ICMP".
std::string path_title(const std::string& name, const probe::PathResult& path);

// "reached 192.0.2.1 in 20 ms", or how far it came and who says why.
std::string path_end(const probe::PathResult& path);

// `statistics`: with losses and percentiles of each hop.
void write_path(std::ostream& out, const Style& style, const std::string& name,
                const probe::PathResult& path, bool statistics, const NameOf& name_of);

// docs/json.md, `tcpdx path --json`.
void write_path_json(std::ostream& out, const std::string& name, const probe::PathResult& path,
                     const NameOf& name_of);

// A file of SVG without fonts, scripts or links.
void write_path_svg(std::ostream& out, const std::string& name, const probe::PathResult& path,
                    const NameOf& name_of);

}  // namespace tcpdx::view
