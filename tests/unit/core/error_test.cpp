// SPDX-License-Identifier: Apache-2.0
#include <dnalm/core/error.hpp>
#include <dnalm/core/types.hpp>

#include <support/catch.hpp>

using dnalm::error;
using dnalm::error_kind;

TEST_CASE("an error is one line with its id, place, expectation and finding", "[core]") {
  const error e(error_kind::format, 203, "header is cut",
                {.where = "a.safetensors, byte 8", .expected = "100 bytes", .found = "7\nbytes"});
  REQUIRE(std::string(e.what()) ==
          "[dnalm.format.203]: header is cut, in a.safetensors, byte 8, expected 100 bytes, found 7?bytes");
  REQUIRE(e.id() == "dnalm.format.203");
  REQUIRE(e.details().found == "7\nbytes");
}

TEST_CASE("a message stays short whatever a file holds", "[core]") {
  std::string name;
  for (int i = 0; i < 100'000; ++i) name += "\u00e9";
  const error e(error_kind::format, 203, "what",
                {.where = name, .expected = "7", .found = std::string(1'000, 'x')});
  const std::string line = e.what();
  CHECK(line.size() < 2'200);
  CHECK(line.find("\u00e9..., expected 7") != std::string::npos);  // whole characters
  CHECK(line.ends_with("found " + std::string(1'000, 'x')));
  CHECK(e.details().where == name);
}

TEST_CASE("exit codes follow the contract of the programs", "[core]") {
  REQUIRE(dnalm::exit_code(error_kind::internal) == 1);
  REQUIRE(dnalm::exit_code(error_kind::usage) == 2);
  for (const auto kind : {error_kind::input, error_kind::format, error_kind::config, error_kind::shape,
                          error_kind::numeric, error_kind::io}) {
    REQUIRE(dnalm::exit_code(kind) == 3);
  }
  REQUIRE(dnalm::exit_code(error_kind::unsupported) == 4);
  REQUIRE(dnalm::exit_code(error_kind::device) == 5);
  REQUIRE(dnalm::exit_code(error_kind::memory) == 5);
}

TEST_CASE("size arithmetic is checked", "[core]") {
  using dnalm::checked_add;
  using dnalm::checked_mul;
  REQUIRE(checked_mul(1'000'000'007, 998'244'353) == 998'244'359'987'710'471);
  REQUIRE(checked_add(1, 2) == 3);
  REQUIRE(dnalm::checked_size(std::initializer_list<int>{}) == 1);
  REQUIRE(dnalm::checked_size(std::initializer_list<int>{3, 0, 5}) == 0);
  const auto huge = std::numeric_limits<dnalm::index_t>::max();
  REQUIRE(dnalm_test::error_id_of([&] { (void)checked_mul(huge, 2); }) == "dnalm.shape.101");
  REQUIRE(dnalm_test::error_id_of([&] { (void)checked_mul(-1, 2); }) == "dnalm.shape.101");
  REQUIRE(dnalm_test::error_id_of([&] { (void)checked_add(huge, 1); }) == "dnalm.shape.102");
}
