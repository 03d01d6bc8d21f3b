using System.Reflection;
using System.Text.RegularExpressions;
using AgentLightning.Access;
using AgentLightning.Testing;

namespace AgentLightning.Tests.Architecture;

/// <summary>What every operation looks like. That endpoints see nothing else is a test of the server.</summary>
public sealed partial class OperationTests
{
    public static TheoryData<string> Operations =>
        [
            .. typeof(IOperation)
                .Assembly.GetTypes()
                .Where(type => type.IsClass && type.IsAssignableTo(typeof(IOperation)))
                .Select(type => type.FullName!),
        ];

    [Theory]
    [MemberData(nameof(Operations))]
    public void Public_methods_of_an_operation_take_a_scope_first_and_a_cancellation_last(string operation)
    {
        var type = typeof(IOperation).Assembly.GetType(operation, throwOnError: true)!;
        var methods = type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(method => method.Name is not ("Dispose" or "DisposeAsync"))
            .ToList();

        Assert.True(type is { IsSealed: true, IsPublic: true }, $"{operation} must be public and sealed.");
        Assert.NotEmpty(methods);
        Assert.All(methods, method =>
        {
            Assert.Equal(typeof(Scope), method.GetParameters().FirstOrDefault()?.ParameterType);
            Assert.Equal(typeof(CancellationToken), method.GetParameters()[^1].ParameterType);
        });
        Assert.DoesNotContain(type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly), TakesServices);
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public void An_operation_asks_the_scope_for_a_role_once_for_each_of_its_methods(string operation)
    {
        var name = operation.Split('.')[^1];
        var file = Directory.EnumerateFiles(
            Path.Combine(Repository.Root, "src", "AgentLightning"),
            $"{name}.cs",
            SearchOption.AllDirectories
        );
        var text = File.ReadAllText(Assert.Single(file));

        Assert.Equal(TakesScope().Count(text), AsksForRole().Count(text));
    }

    /// <summary>A static helper is a function of what it is given; one that takes a service is a way past the scope.</summary>
    private static bool TakesServices(MethodInfo method) =>
        method
            .GetParameters()
            .Any(parameter => parameter.ParameterType.IsInterface && parameter.ParameterType.Assembly == typeof(Scope).Assembly);

    [GeneratedRegex(@"\bpublic\b[^;={(]*\((?:\s*)Scope \w+")]
    private static partial Regex TakesScope();

    [GeneratedRegex(@"\bscope\.Require(?:AllAgents)?\(")]
    private static partial Regex AsksForRole();
}
