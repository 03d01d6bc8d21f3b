// A shop's agent. With OPENAI_BASE_URL (and OPENAI_API_KEY, OPENAI_MODEL) a model answers; without, a few scripted lines do.
// The address of the Lightning server is the first argument; questions come one a line from standard input.
using AgentLightning.Client;
using ChatAgent;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

var model = Environment.GetEnvironmentVariable("OPENAI_BASE_URL") is { Length: > 0 } url
    ? new OpenAiChatClient(new Uri(url))
    : (IChatClient)new ScriptedChatClient();

// The three lines that capture.
await using var services = new ServiceCollection()
    .AddLightning(options => (options.Endpoint, options.AgentId) = (new Uri(args[0]), "shop"))
    .BuildServiceProvider();
var tracker = services.GetRequiredService<AgentTracker>();
using var agent = new OrderTool(model).UseLightning(services);

var conversation = new List<ChatMessage>();
while (Console.ReadLine() is { Length: > 0 } question)
{
    conversation.Add(new ChatMessage(ChatRole.User, question));
    var answer = await agent.GetResponseAsync(conversation, new ChatOptions { ConversationId = "sample" });
    conversation.AddMessages(answer);
    Console.WriteLine($"{answer.GetEpisodeId()}\t{answer.Messages[^1].Text}");
    // A good answer names the order; a person's thumb would be the same call.
    tracker.UpdateReward(answer.GetEpisodeId()!, answer.Text.Contains("42", StringComparison.Ordinal) ? 1 : 0, "order_named");
}
