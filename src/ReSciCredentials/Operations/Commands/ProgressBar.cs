using System.Globalization;
using ReSciCredentials.Safekeeping;

namespace ReSciCredentials.Operations.Commands;

/// <summary>One line on a terminal that says how far long work is, and is gone when it ends.</summary>
internal sealed class ProgressBar(TextWriter terminal, bool isShown) : IProgress<HowFar>, IDisposable
{
    private const int Width = 30;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private long _shownAt;
    private int _length;

    public void Report(HowFar value)
    {
        if (!isShown || (_shownAt != 0 && TimeProvider.System.GetElapsedTime(_shownAt) < Interval))
        {
            return;
        }

        _shownAt = TimeProvider.System.GetTimestamp();
        var share = value.Total > 0 ? Math.Min(1.0, (double)value.Done / value.Total) : 0;
        var bar = value.Total > 0
            ? string.Create(CultureInfo.InvariantCulture, $" [{new string('#', (int)(share * Width)),-Width}] {share,4:P0}")
            : "…";
        Write(value.Step + bar);
    }

    public void Dispose()
    {
        if (_length > 0)
        {
            Write("");
            terminal.Write('\r');
        }
    }

    private void Write(string line)
    {
        terminal.Write('\r' + line.PadRight(_length));
        _length = line.Length;
    }
}
