using AgentLightning.Tests.Storage.Conformance;

namespace AgentLightning.Tests.Storage;

public sealed class ConformanceCoverageTests
{
    [Fact]
    public void Every_engine_runs_every_suite()
    {
        var types = typeof(ConformanceCoverageTests).Assembly.GetTypes();
        var engines = types.Where(type => type.IsSubclassOf(typeof(StoreEngine)) && !type.IsAbstract).ToList();
        var suites = types
            .Where(type =>
                type is { IsAbstract: true, IsGenericTypeDefinition: true, BaseType.IsGenericType: true }
                && type.BaseType.GetGenericTypeDefinition() == typeof(StoreConformance<>)
            )
            .ToList();

        var missing =
            from engine in engines
            from suite in suites
            where !types.Any(type => type.IsSealed && type.BaseType == suite.MakeGenericType(engine))
            select $"{suite.Name} for {engine.Name}";

        Assert.NotEmpty(engines);
        Assert.NotEmpty(suites);
        Assert.Empty(missing);
    }
}
