// The check value of CRC-64/XZ: xz's specification (xz-file-format.txt, 6) names the polynomial;
// the catalogue of parametrised CRC algorithms gives 995dc9bbdf1939fa for "123456789".
#include "store/checksum.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace tcpdx::store {
namespace {

TEST(Checksum, HasTheCheckValueOfCrc64Xz) {
  EXPECT_EQ(crc64(std::string_view("123456789")), 0x995DC9BBDF1939FAU);
  EXPECT_EQ(crc64({}), 0U);
}

}  // namespace
}  // namespace tcpdx::store
