using System.Reflection;
using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Server.Tests;

/// <summary>
/// An endpoint maps HTTP onto operations and holds no rule: what its handlers take is what HTTP gives, the scope, and operations. A handler
/// that has nothing else to give a scope to cannot ignore it.
/// </summary>
public sealed class EndpointTests
{
    private static readonly Assembly[] s_product = [typeof(IOperation).Assembly, typeof(LightningException).Assembly];

    private static IEnumerable<Type> Endpoints =>
        typeof(LightningServer).Assembly.GetTypes().Where(type => type.Name.EndsWith("Endpoints", StringComparison.Ordinal));

    [Fact]
    public void Handlers_take_nothing_of_the_product_but_records_the_scope_and_operations()
    {
        var seen = from endpoints in Endpoints from crossing in Crossings(endpoints) select crossing;

        Assert.Empty(seen);
    }

    private static IEnumerable<string> Crossings(Type endpoints) =>
        from type in endpoints.GetNestedTypes(BindingFlags.NonPublic | BindingFlags.Public).Prepend(endpoints)
        from method in type.GetMethods(
            BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly
        )
        where method.Name != nameof(IDisposable.Dispose)
        from parameter in method.GetParameters()
        where !MayBeTaken(parameter.ParameterType)
        select $"{endpoints.Name}.{method.Name} takes {parameter.ParameterType.Name} {parameter.Name}";

    private static bool MayBeTaken(Type type)
    {
        var kind = Nullable.GetUnderlyingType(type) ?? type;
        return kind == typeof(Scope)
            || (kind.IsAssignableTo(typeof(IOperation)) && kind != typeof(IOperation))
            || kind.IsValueType
            || IsRecord(kind)
            || !(s_product.Contains(kind.Assembly) || kind.Assembly == typeof(LightningServer).Assembly || IsService(kind));
    }

    private static bool IsRecord(Type type) => type.GetMethod("<Clone>$") is not null;

    /// <summary>What a rule needs that is not the product's: the time, chance, a log.</summary>
    private static bool IsService(Type type) => type == typeof(TimeProvider) || type == typeof(Random) || type == typeof(IServiceProvider);
}
