using AgentLightning.Episodes;

namespace AgentLightning.Tests.Episodes;

public sealed class InputKeysTests
{
    [Theory]
    [InlineData("The docs link is broken!", "the  DOCS link is broken")]
    [InlineData("\nhello, world...", "Hello world")]
    public void Inputs_that_say_the_same_have_one_key(string a, string b) => Assert.Equal(InputKeys.Of(a), InputKeys.Of(b));

    [Theory]
    [InlineData("hello", "hallo")]
    [InlineData("👏👏", "🍌🍌")]
    [InlineData("...", "!!!")]
    [InlineData("日本", "中国")]
    public void Inputs_that_differ_have_different_keys(string a, string b) => Assert.NotEqual(InputKeys.Of(a), InputKeys.Of(b));

    [Fact]
    public void What_stands_in_which_part_matters() => Assert.NotEqual(InputKeys.Of("a", "b"), InputKeys.Of("a b", null));
}
