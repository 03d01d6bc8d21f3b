namespace AgentLightning.Models.Tests;

internal static class Close
{
    /// <summary>Every number within a tolerance that grows with the largest number.</summary>
    public static void All(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, string what = "")
    {
        Assert.Equal(expected.Length, actual.Length);
        double largest = 1e-3;
        foreach (var value in expected)
        {
            largest = Math.Max(largest, Math.Abs(value));
        }

        for (var i = 0; i < expected.Length; i++)
        {
            Assert.True(
                Math.Abs(expected[i] - actual[i]) <= tolerance * largest,
                $"{what}[{i}]: expected {expected[i]}, got {actual[i]}, where the largest is {largest}."
            );
        }
    }
}
