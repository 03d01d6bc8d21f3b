using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace AgentLightning.Benchmarks;

/// <summary>
/// One kept-alive connection that asks for a model's answer again and again, with next to nothing of work of its own.
/// </summary>
internal sealed class ModelConnection : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _answer = new byte[64 * 1024];
    private readonly byte[] _request;

    public ModelConnection(Uri server, string path, bool stream)
    {
        _socket.Connect(IPAddress.Parse(server.Host), server.Port);
        var question = string.Join(' ', Enumerable.Repeat("Where is my order, which I made a week ago, and when does it arrive?", 8));
        var body =
            $$"""{"model":"bench","stream":{{(stream ? "true" : "false")}},"messages":[{"role":"system","content":"You help customers of a shop. Be short and friendly."},{"role":"user","content":"{{question}}"}],"temperature":0.2}""";
        _request = Encoding.UTF8.GetBytes(
            string.Create(
                CultureInfo.InvariantCulture,
                $"POST {path} HTTP/1.1\r\nHost: {server.Authority}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"
            )
        );
    }

    /// <summary>Milliseconds to the first byte of the body, and to the end.</summary>
    public async ValueTask<(double First, double Whole)> AskAsync()
    {
        var started = Stopwatch.GetTimestamp();
        await _socket.SendAsync(_request);
        var (received, body, length, first) = (0, -1, -1, 0.0);
        while (true)
        {
            var count = await _socket.ReceiveAsync(_answer.AsMemory(received));
            if (count == 0)
            {
                throw new InvalidOperationException("The server closed the connection.");
            }

            received += count;
            var seen = _answer.AsSpan(0, received);
            if (body < 0 && seen.IndexOf("\r\n\r\n"u8) is >= 0 and var end)
            {
                body = end + 4;
                length = LengthOf(seen[..end]);
            }

            if (body >= 0 && first == 0 && received > body)
            {
                first = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            }

            if (body >= 0 && (length >= 0 ? received >= body + length : seen[body..].EndsWith("0\r\n\r\n"u8)))
            {
                return (first, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        }
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>-1 for a body in chunks.</summary>
    private static int LengthOf(ReadOnlySpan<byte> head)
    {
        if (!head.StartsWith("HTTP/1.1 200 "u8))
        {
            throw new InvalidOperationException($"A call was answered with {Encoding.UTF8.GetString(head)}");
        }

        var at = head.IndexOf("Content-Length: "u8);
        return at >= 0 && Utf8Parser.TryParse(head[(at + 16)..], out int length, out _) ? length : -1;
    }
}
