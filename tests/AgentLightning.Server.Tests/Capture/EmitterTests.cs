using System.Diagnostics;
using System.Text.Json;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace AgentLightning.Server.Tests;

/// <summary>Spans as the .NET libraries make them, through the exporter of OpenTelemetry, to the real server.</summary>
public sealed class EmitterTests
{
    private const string Input = """[{"role":"user","parts":[{"type":"text","content":"Weather in Paris?"}]}]""";
    private const string Output = """[{"role":"assistant","parts":[{"type":"text","content":"Rainy."}],"finish_reason":"stop"}]""";

    [Fact]
    public Task Microsoft_extensions_ai_with_function_calls() =>
        EmitAsync(
            "Experimental.Microsoft.Extensions.AI",
            source =>
            {
                using var chat = source.StartActivity("orchestrate_tools", ActivityKind.Internal)!;
                using (var call = source.StartActivity("chat gpt-x", ActivityKind.Client)!)
                {
                    Set(
                        call,
                        ("gen_ai.operation.name", "chat"),
                        ("gen_ai.request.model", "gpt-x"),
                        ("gen_ai.provider.name", "openai"),
                        ("gen_ai.conversation.id", "c-1"),
                        ("gen_ai.input.messages", Input),
                        ("gen_ai.output.messages", Output),
                        ("gen_ai.usage.input_tokens", 11L),
                        ("gen_ai.usage.output_tokens", 3L),
                        ("gen_ai.response.finish_reasons", new[] { "stop" })
                    );
                }

                using var tool = source.StartActivity("execute_tool get_weather")!;
                Set(
                    tool,
                    ("gen_ai.operation.name", "execute_tool"),
                    ("gen_ai.tool.name", "get_weather"),
                    ("gen_ai.tool.call.id", "c1"),
                    ("gen_ai.tool.call.arguments", """{"city":"Paris"}"""),
                    ("gen_ai.tool.call.result", "rainy")
                );
                return chat.TraceId.ToHexString();
            },
            episode =>
            {
                AssertTexts(episode, "weather-app", "gpt-x");
                Assert.Equal(
                    ("c-1", 14),
                    (episode.GetProperty("session_id").GetString(), episode.GetProperty("token_usage").GetProperty("total").GetInt32())
                );
                Assert.Equal("get_weather", episode.GetProperty("tool_calls")[0].GetProperty("tool_name").GetString());
            }
        );

    [Fact]
    public Task Microsoft_agent_framework_around_a_chat_client() =>
        EmitAsync(
            "Experimental.Microsoft.Agents.AI",
            source =>
            {
                using var agent = source.StartActivity("invoke_agent Weather(1b2c)", ActivityKind.Client)!;
                Set(
                    agent,
                    ("gen_ai.operation.name", "invoke_agent"),
                    ("gen_ai.agent.id", "1b2c"),
                    ("gen_ai.agent.name", "Weather"),
                    ("gen_ai.input.messages", Input),
                    ("gen_ai.output.messages", Output),
                    ("gen_ai.usage.input_tokens", 11),
                    ("gen_ai.usage.output_tokens", 3)
                );
                using var call = source.StartActivity("chat gpt-x", ActivityKind.Client)!;
                Set(
                    call,
                    ("gen_ai.operation.name", "chat"),
                    ("gen_ai.request.model", "gpt-x"),
                    ("gen_ai.usage.input_tokens", 11),
                    ("gen_ai.usage.output_tokens", 3)
                );
                return agent.TraceId.ToHexString();
            },
            episode =>
            {
                AssertTexts(episode, "Weather", "gpt-x");
                Assert.Equal(14, episode.GetProperty("token_usage").GetProperty("total").GetInt32());
            }
        );

    [Fact]
    public Task Semantic_kernel_with_message_events() =>
        EmitAsync(
            "Microsoft.SemanticKernel.Diagnostics",
            source =>
            {
                using var call = source.StartActivity("chat.completions gpt-x", ActivityKind.Client)!;
                Set(
                    call,
                    ("gen_ai.operation.name", "chat.completions"),
                    ("gen_ai.system", "openai"),
                    ("gen_ai.request.model", "gpt-x"),
                    ("gen_ai.usage.prompt_tokens", 11),
                    ("gen_ai.usage.completion_tokens", 3)
                );
                call.AddEvent(
                    new ActivityEvent(
                        "gen_ai.user.message",
                        tags: new ActivityTagsCollection
                        {
                            ["gen_ai.system"] = "openai",
                            ["gen_ai.event.content"] = """{"role":"user","content":"Weather in Paris?"}""",
                        }
                    )
                );
                call.AddEvent(
                    new ActivityEvent(
                        "gen_ai.choice",
                        tags: new ActivityTagsCollection
                        {
                            ["gen_ai.system"] = "openai",
                            ["gen_ai.event.content"] =
                                """{"index":0,"message":{"role":"assistant","content":"Rainy."},"finish_reason":"Stop"}""",
                        }
                    )
                );
                return call.TraceId.ToHexString();
            },
            episode =>
            {
                AssertTexts(episode, "weather-app", "gpt-x");
                Assert.Equal(14, episode.GetProperty("token_usage").GetProperty("total").GetInt32());
            }
        );

    [Fact]
    public Task The_openai_sdk_tells_no_messages_and_the_diagnostics_say_what_to_do() =>
        EmitAsync(
            "OpenAI.ChatClient",
            source =>
            {
                using var call = source.StartActivity("chat gpt-x", ActivityKind.Client)!;
                Set(
                    call,
                    ("gen_ai.system", "openai"),
                    ("gen_ai.operation.name", "chat"),
                    ("gen_ai.request.model", "gpt-x"),
                    ("gen_ai.response.id", "chatcmpl-1"),
                    ("gen_ai.response.model", "gpt-x-2026"),
                    ("gen_ai.usage.input_tokens", 11),
                    ("gen_ai.usage.output_tokens", 3)
                );
                return call.TraceId.ToHexString();
            },
            episode =>
                Assert.Equal(
                    ("", "gpt-x-2026", 14),
                    (
                        episode.GetProperty("user_input").GetString(),
                        episode.GetProperty("model_deployment").GetString(),
                        episode.GetProperty("token_usage").GetProperty("total").GetInt32()
                    )
                ),
            report =>
            {
                var findings = string.Join('\n', report.GetProperty("findings").EnumerateArray().Select(finding => finding.GetString()));
                Assert.Contains("1 of 1 calls of a model came without messages", findings, StringComparison.Ordinal);
                Assert.Contains("OpenAI.Experimental.EnableOpenTelemetry", findings, StringComparison.Ordinal);
                Assert.Contains("no call of a model tells the session", findings, StringComparison.Ordinal);
            }
        );

    private static void AssertTexts(JsonElement episode, string agent, string model) =>
        Assert.Equal(
            ("Weather in Paris?", "Rainy.", agent, model),
            (
                episode.GetProperty("user_input").GetString(),
                episode.GetProperty("assistant_output").GetString(),
                episode.GetProperty("agent_id").GetString(),
                episode.GetProperty("model_deployment").GetString()
            )
        );

    private static void Set(Activity activity, params (string Name, object Value)[] tags)
    {
        foreach (var (name, value) in tags)
        {
            activity.SetTag(name, value);
        }
    }

    private static async Task EmitAsync(
        string scope,
        Func<ActivitySource, string> emit,
        Action<JsonElement> check,
        Action<JsonElement>? report = null
    )
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        using var source = new ActivitySource(scope);
        string trace;
        using (
            var tracer = Sdk.CreateTracerProviderBuilder()
                .AddSource(scope)
                .SetResourceBuilder(ResourceBuilder.CreateEmpty().AddService("weather-app"))
                .AddOtlpExporter(exporter =>
                    (exporter.Protocol, exporter.Endpoint) = (
                        OtlpExportProtocol.HttpProtobuf,
                        new Uri(server.Http.BaseAddress!, "/v1/traces")
                    )
                )
                .Build()
        )
        {
            // Not below what the test host may trace.
            Activity.Current = null;
            trace = emit(source);
            Assert.True(tracer.ForceFlush());
        }

        check(await OtlpTests.EpisodeAsync(server, trace));
        report?.Invoke(await server.GetAsync("/api/lightning/diagnostics/traces"));
    }
}
