// The words of severity and confidence.
#include "model/finding.hpp"

namespace tcpdx {

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::info: return "info";
    case Severity::notice: return "notice";
    case Severity::warning: return "warning";
    case Severity::critical: return "critical";
  }
  return "info";
}

std::string_view to_string(Confidence confidence) {
  switch (confidence) {
    case Confidence::suspected: return "suspected";
    case Confidence::likely: return "likely";
    case Confidence::confirmed: return "confirmed";
  }
  return "suspected";
}

}  // namespace tcpdx
