// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/sha256.hpp>

#include <unit/io_binary/binary_files.hpp>

using dnalm::io::sha256_hex;
using dnalm_test::bytes_of;

TEST_CASE("SHA-256 reproduces the vectors of FIPS 180-4", "[io_binary]") {
  REQUIRE(sha256_hex(bytes_of("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  REQUIRE(sha256_hex(bytes_of("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  REQUIRE(sha256_hex(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  REQUIRE(sha256_hex(bytes_of(std::string(1'000'000, 'a'))) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 does not depend on how a message is cut", "[io_binary]") {
  for (std::size_t size = 0; size < 200; ++size) {
    std::string message;
    for (std::size_t i = 0; i < size; ++i) message += static_cast<char>(i * 37);
    const std::string whole = sha256_hex(bytes_of(message));
    for (const std::size_t cut : {std::size_t{0}, size / 3, size / 2, size}) {
      dnalm::io::sha256 hash;
      hash.update(bytes_of(std::string_view(message).substr(0, cut)));
      hash.update(bytes_of(std::string_view(message).substr(cut)));
      REQUIRE(hash.hex() == whole);
    }
  }
}

TEST_CASE("a file has the hash of its bytes", "[io_binary]") {
  const dnalm_test::memory_folder folder;
  const std::string content(100'003, 'x');
  REQUIRE(dnalm::io::sha256_file(folder.write("a", content)) == sha256_hex(bytes_of(content)));
  REQUIRE(dnalm::io::sha256_file(folder.write("b", "")) == sha256_hex({}));
}
