using System.Text.Json;

namespace AgentLightning.Benchmarks;

/// <summary>A measured figure beside its limit.</summary>
/// <param name="Ratio">How many times better than the limit: above 1 it is kept.</param>
public sealed record Figure(string Benchmark, string What, double Value, string Unit, double Limit, double Ratio)
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>A figure that should be large.</summary>
    public static Figure AtLeast(string benchmark, string what, double value, string unit, double limit) =>
        new(benchmark, what, Math.Round(value, 2), unit, Math.Round(limit, 2), Math.Round(value / limit, 2));

    /// <summary>A figure that should be small.</summary>
    public static Figure AtMost(string benchmark, string what, double value, string unit, double limit) =>
        new(benchmark, what, Math.Round(value, 2), unit, Math.Round(limit, 2), Math.Round(limit / value, 2));

    public string ToJson() => JsonSerializer.Serialize(this, s_json);
}
