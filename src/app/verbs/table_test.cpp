#include "app/verbs/table.h"

#include <gtest/gtest.h>

namespace roost::app {
namespace {

TEST(Table, ColumnsAreAsWideAsTheirWidestCell) {
    Table table({"name", "n"});
    table.add({"a", "1"});
    table.add({"åé", ""});
    table.add({"longer name", "2"});
    EXPECT_EQ(table.text(),
              "name         n\n"
              "a            1\n"
              "åé           -\n"
              "longer name  2\n");
}

TEST(Table, NothingInACellMovesTheCursor) {
    Table table({"x"});
    table.add({"a\x1b[31m\nb\x7f"});
    EXPECT_EQ(table.text(), "x\na [31m b \n");
    EXPECT_EQ(list_of({{"a", "x\ty"}, {"long", ""}}), "a     x y\nlong  -\n");
}

TEST(Table, NumbersAndTimes) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1'000), "1,000");
    EXPECT_EQ(grouped(-1'234'567), "-1,234,567");
    EXPECT_EQ(grouped(-123), "-123");
    EXPECT_EQ(minute_of("2026-11-23T05:20:59.123Z"), "2026-11-23 05:20");
}

}  // namespace
}  // namespace roost::app
